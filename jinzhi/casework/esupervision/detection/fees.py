"""F1, F2: what was charged. A fee is an act with item, amount, expected amount, receipt, waiver and its authority."""

from jinzhi.casework.esupervision.detection.raising import HEAD, rule

_AMOUNT = "coalesce(nullif(e.data->>'amount', '')::numeric, 0)"
_EXPECTED = "nullif(e.data->>'expected', '')::numeric"
_WAIVED = "coalesce((e.data->>'waived')::boolean, false)"
_FREE = "NOT EXISTS (SELECT 1 FROM sv_fee f WHERE f.version = c.procedure_id)"
_WRONG = "NOT EXISTS (SELECT 1 FROM sv_fee f WHERE f.version = c.procedure_id AND f.item = e.data->>'item')"
_NO_RECEIPT = "coalesce(trim(e.data->>'receipt'), '') = ''"


def _fee(key: str, condition: str, reason: str) -> str:
    return f"""
    SELECT DISTINCT ON (c.id) {HEAD}, c.id AS case_id, '' AS cause, false AS worse, false AS anew, e.day AS happened_on,
           s.id AS step_id, jsonb_build_object('reason', {reason}, 'item', e.data->>'item', 'amount', {_AMOUNT},
             'expected', {_EXPECTED}) AS basis
      FROM sv_event e JOIN casework_case c ON c.id = e.case_id
      {rule(key, "c.rule_date")}
      LEFT JOIN LATERAL (SELECT s.id FROM casework_step s WHERE s.case_id = c.id AND s.key = e.step
                            AND s.opened_at <= e.at ORDER BY s.id DESC LIMIT 1) s ON true
     WHERE e.kind = 'fee' AND ({condition}) ORDER BY c.id, e.seq"""  # noqa: S608


STATEMENTS = {
    "F1": _fee(
        "F1",
        f"NOT {_WAIVED} AND {_AMOUNT} > 0 AND ({_WRONG} OR {_AMOUNT} <> {_EXPECTED} OR {_NO_RECEIPT})",
        f"""CASE WHEN {_FREE} THEN 'free' WHEN {_WRONG} THEN 'item'
                 WHEN {_AMOUNT} <> {_EXPECTED} THEN 'standard' ELSE 'receipt' END""",
    ),
    "F2": _fee("F2", f"{_WAIVED} AND coalesce(trim(e.data->>'authority'), '') = ''", "'authority'"),
}
