"""Splink alone over the same two sides, as its documentation advises: u by sampling, m by EM from two blockings."""

import logging

from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink import comparison_library as cl

THRESHOLD = 0.9


def pairs(connection, threshold: float = THRESHOLD) -> list[tuple]:
    """(ln, rn, probability) from the tables l_side and r_side of a comparison."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    for side in "lr":
        columns = ", ".join(
            f"nullif({c}, '') AS {c}" for c in ("plain", "core", "address", "place_key", "phone", "org")
        )
        connection.execute(
            f"CREATE OR REPLACE TABLE splink_{side} AS SELECT n AS unique_id, {columns} FROM {side}_side"
        )
    api = DuckDBAPI(connection=connection)
    sides = [api.register(f"splink_{side}", dataset_display_name=side) for side in "lr"]
    columns = {
        c for c in ("phone", "org") for side in "lr"
        if connection.execute(f"SELECT count({c}) FROM splink_{side}").fetchall()[0][0]
    }  # fmt: skip
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.JaroWinklerAtThresholds("plain", [0.95, 0.88, 0.75]),
            cl.JaroWinklerAtThresholds("address", [0.95, 0.88]),
            *(cl.ExactMatch(c) for c in sorted(columns)),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("plain"), block_on("core"), block_on("place_key"), *(block_on(c) for c in sorted(columns)),
        ],
    )  # fmt: skip
    linker = Linker(sides, settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("plain", "place_key")], recall=0.8
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    for rule in (block_on("place_key"), block_on("plain")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    found = linker.inference.predict(threshold_match_probability=threshold)
    return connection.execute(
        f"SELECT CASE WHEN source_dataset_l = 'l' THEN unique_id_l ELSE unique_id_r END,"
        f" CASE WHEN source_dataset_l = 'l' THEN unique_id_r ELSE unique_id_l END, match_probability"
        f" FROM {found.physical_name}"
    ).fetchall()
