"""What DuckDB and Spark say differently. The statements of a comparison are written once, with these words."""

from dataclasses import dataclass

from jinzhi.registry.names import Step


@dataclass(frozen=True)
class Dialect:
    """How one engine writes literals, regular expressions, arrays and lengths in bytes."""

    name: str

    @property
    def spark(self) -> bool:
        return self.name == "spark"

    def literal(self, text: str) -> str:
        if self.spark:
            text = text.replace("\\", "\\\\").replace("'", "\\'")
            return f"'{text}'"
        return "'" + text.replace("'", "''") + "'"

    def sub(self, expression: str, find: str, put: str) -> str:
        """Every hit replaced; `put` may name groups."""
        put = put.replace(r"\g<1>", r"\1")
        if self.spark:
            return f"regexp_replace({expression}, {self.literal(find)}, {self.literal(put.replace(chr(92), '$'))})"
        return f"regexp_replace({expression}, {self.literal(find)}, {self.literal(put)}, 'g')"

    def extract(self, expression: str, find: str, group: int = 0) -> str:
        """The first hit, or an empty string."""
        return f"coalesce(regexp_extract({expression}, {self.literal(find)}, {group}), '')"

    def matches(self, expression: str, find: str) -> str:
        return f"{'regexp_like' if self.spark else 'regexp_matches'}({expression}, {self.literal(find)})"

    def step(self, expression: str, step: Step) -> str:
        """One step of a normal form; `expression` is written several times, so it should be a column."""
        if step.kind == "upper":
            return f"upper({expression})"
        if step.kind == "map":
            done = f"translate({expression}, {self.literal(step.find)}, {self.literal(step.put)})"
            return self._only(expression, _class(step.find), done)
        if step.kind == "head":
            head = self.extract(expression, step.find)
            return f"{self.sub(head, step.put, '')} || substr({expression}, length({head}) + 1)"
        done = self.sub(expression, step.find, step.put)
        return self._only(expression, _class(step.only), done) if step.only else done

    def _only(self, expression: str, having: str, done: str) -> str:
        return f"CASE WHEN {self.matches(expression, having)} THEN {done} ELSE {expression} END"

    def words(self, expression: str) -> str:
        """The different words of a text."""
        return f"array_distinct(split({expression}, ' '))"

    def size(self, array: str) -> str:
        return f"{'size' if self.spark else 'len'}({array})"

    def pieces(self, text: str, width: int) -> str:
        """All pieces of `width` characters; one for a shorter text."""
        last = f"greatest(length({text}) - {width - 1}, 1)"
        if self.spark:
            return f"array_distinct(transform(sequence(1, {last}), i -> substr({text}, i, {width})))"
        return f"array_distinct(list_transform(range(1, {last} + 1), lambda i: substr({text}, i, {width})))"

    def exploded(self, array: str) -> str:
        """A row for each element."""
        return f"{'explode' if self.spark else 'unnest'}({array})"

    def shorter_by_one(self, text: str) -> str:
        """The text and every text with one character less: two texts one edit apart share one of them."""
        cut = f"substr({text}, 1, i - 1) || substr({text}, i + 1)"
        if self.spark:
            made = f"transform(sequence(1, length({text})), i -> {cut})"
            return f"array_distinct(concat(array({text}), {made}))"
        return f"array_distinct(list_concat([{text}], list_transform(range(1, length({text}) + 1), lambda i: {cut})))"

    def bytes(self, expression: str) -> str:
        """Edit distances count bytes in DuckDB; here Spark is made to count them too."""
        return f"decode(encode({expression}, 'UTF-8'), 'ISO-8859-1')" if self.spark else expression

    def length(self, expression: str) -> str:
        return f"octet_length({expression})" if self.spark else f"strlen({expression})"

    def distance(self, one: str, other: str) -> str:
        return f"levenshtein({self.bytes(one)}, {self.bytes(other)})"

    def similarity(self, one: str, other: str) -> str:
        """1 − edit distance ÷ longer length, in bytes; 0 where either is empty."""
        longer = f"greatest({self.length(one)}, {self.length(other)})"
        return (
            f"CASE WHEN {one} = '' OR {other} = '' THEN 0.0 WHEN {one} = {other} THEN 1.0"
            f" ELSE 1.0 - {self.distance(one, other)} / cast({longer} AS double) END"
        )

    def chain(self, source: str, keep: str, column: str, steps: list[Step]) -> str:
        """A query that runs `steps` over `column` of `source`, each in a level of its own."""
        query = f"SELECT {keep}, {column} FROM {source}"
        for step in steps:
            query = f"SELECT {keep}, {self.step(column, step)} AS {column} FROM ({query}) AS t"
        return query


DUCKDB, SPARK = Dialect("duckdb"), Dialect("spark")


def _class(characters: str) -> str:
    return "[" + "".join(f"\\{c}" if c in "\\]^-[&" else c for c in characters) + "]"
