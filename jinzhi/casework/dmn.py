"""A decision table as DMN 1.3 XML: first fitting row, conditions as FEEL unary tests, the article as description."""

from typing import Any
from xml.etree import ElementTree as ET

from jinzhi.foundation.rules import DecisionTable
from jinzhi.foundation.rules.tables import ANYTHING

DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"
OURS = "urn:jinzhi:rules"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
ET.register_namespace("dmn", DMN)
COMPARISONS = (">=", "<=", "!=", ">", "<")


def test(condition: Any) -> str:
    """A condition of ours as a FEEL unary test.

    >>> test(["a", "b"]), test(">= 3"), test("-"), test(True), test("!= x")
    ('"a","b"', '>= 3', '-', 'true', 'not("x")')
    """
    if isinstance(condition, list):
        return ",".join(test(one) for one in condition)
    if condition == ANYTHING:
        return "-"
    if isinstance(condition, str) and condition.strip().startswith(COMPARISONS):
        sign = next(c for c in COMPARISONS if condition.strip().startswith(c))
        operand = _operand(condition.strip().removeprefix(sign).strip())
        return f"not({operand})" if sign == "!=" else f"{sign} {operand}"
    return literal(condition)


def _operand(text: str) -> str:
    try:
        float(text)
    except ValueError:
        return f'date("{text}")' if len(text) == 10 and text[4] == text[7] == "-" else literal(text)
    return text


def literal(value: Any) -> str:
    """A value as FEEL writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    return "null" if value is None else str(value)


def kind(values: list[Any]) -> str:
    """The FEEL type of a column."""
    plain = [v for one in values for v in (one if isinstance(one, list) else [one]) if v != ANYTHING]
    if plain and all(isinstance(v, bool) for v in plain):
        return "boolean"
    texts = [v for v in plain if isinstance(v, str)]
    numbers = [v for v in texts if v.strip().startswith(COMPARISONS) and not test(v).endswith(('"', '")'))]
    return "number" if plain and len(texts) == len(numbers) else "string"


def xml(table: DecisionTable) -> str:
    """The DMN file of one table."""
    root = ET.Element(
        f"{{{DMN}}}definitions", {"id": f"{table.key}.definitions", "name": table.title, "namespace": OURS}
    )
    decision = ET.SubElement(root, f"{{{DMN}}}decision", {"id": table.key, "name": table.title})
    source = (
        f"{table.law}{table.article}" if table.law.startswith("《") else f"《{table.law}》{table.article}"
    )
    ET.SubElement(decision, f"{{{DMN}}}description").text = f"{source}；{table.valid_from} 起"
    body = ET.SubElement(
        decision, f"{{{DMN}}}decisionTable", {"id": f"{table.key}.table", "hitPolicy": "FIRST"}
    )
    for name in table.inputs:
        column = ET.SubElement(body, f"{{{DMN}}}input", {"id": f"{table.key}.in.{name}", "label": name})
        said = [row["when"][name] for row in table.rows if name in row["when"]]
        expression = {"id": f"{table.key}.in.{name}.expression", "typeRef": kind(said)}
        asked = ET.SubElement(column, f"{{{DMN}}}inputExpression", expression)
        ET.SubElement(asked, f"{{{DMN}}}text").text = name
    for name in table.outputs:
        said = [row["then"].get(name) for row in table.rows]
        ET.SubElement(
            body, f"{{{DMN}}}output", {"id": f"{table.key}.out.{name}", "name": name, "typeRef": kind(said)}
        )
    for number, row in enumerate(table.rows, start=1):
        rule = ET.SubElement(body, f"{{{DMN}}}rule", {"id": f"{table.key}.rule.{number}"})
        for name in table.inputs:
            _entry(rule, "inputEntry", f"{table.key}.{number}.{name}", test(row["when"].get(name, ANYTHING)))
        for name in table.outputs:
            _entry(rule, "outputEntry", f"{table.key}.{number}.{name}.out", literal(row["then"].get(name)))
    ET.indent(root)
    return HEAD + ET.tostring(root, encoding="unicode") + "\n"


def _entry(rule: ET.Element, tag: str, key: str, text: str) -> None:
    ET.SubElement(ET.SubElement(rule, f"{{{DMN}}}{tag}", {"id": key}), f"{{{DMN}}}text").text = text
