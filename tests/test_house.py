"""What the house style promises of the code itself, measured: functions that read at a glance, and docstrings that say
what a colleague needs."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docstrings import FUNCTION, OTAI, public_functions, trees

pytestmark = pytest.mark.pure

MOST_LINES = 80
MOST_LINES_OF_A_FILE = 600
MOST_BRANCHES = 20
MOST_PARAMETERS = 12

LONGER_OR_BUSIER: dict[str, str] = {
    "cli/guarantee.py:show": "one line for each thing there may be to say, in the order in which it is read",
    "learning/data/profile_findings.py:of_attribute": "one clause for each finding, none of which knows another",
    "learning/data/cuts/cutting.py:_messages": "the ways in which mail programs begin an older mail, one after another",
    "learning/data/cuts/cutting.py:_own_message": "the ways in which a mail ends, one after the other",
    "tickets/columns.py:parse": "the grammar of a column choice, word by word",
    "tickets/columns.py:settled": "one clause for each use of a column",
    "tickets/cells.py:_checked": "one clause for each thing that makes a cell's row bad",
    "tickets/label_columns.py:separator_of": "comprehensions over candidates and cells, no branch inside another",
    "web/views/tickets.py:settle_upload": "one clause for each state an upload may be in, and what its page shows",
    "tickets/sources/archive.py:__init__": "what may be in an archive, one after the other",
    "tickets/sources/delimited.py:batches": "one clause for each kind of record that is no ticket",
    "tickets/sources/grid.py:_goes_on_below": "one clause for each sign",
    "tickets/sources/grid.py:looks_like_a_ticket": "one clause for each sign",
    "tickets/sources/html_table.py:_all_rows": "one clause for each element of a table",
    "tickets/sources/xml_rows.py:_repeating": "one clause for each event of the parser",
    "tickets/sources/xml_rows.py:_value": "one clause for each form in which programs write a value",
    "tickets/text_roles.py:_body_by_values": "one clause for each sign by which a body is told",
}
"""What is longer or busier than the rest, each with its reason. Whoever makes one shorter takes it out."""

MORE_PARAMETERS: dict[str, str] = {
    "api/endpoints.py:endpoint": "one for each thing that an endpoint may declare",
    "billing/operations/details.py:set_billing_details": "the lines of an address and what an invoice says, by name",
    "billing/operations/orders.py:order": "what an order holds, each by its name",
    "cli/billing/details.py:details_set": "the options of a command",
    "cli/helpdesks.py:import_": "the options of a command",
    "cli/models.py:predict": "the options of a command",
    "cli/remote/tickets.py:import_tickets": "the options of a command",
    "cli/tickets.py:import_": "the options of a command",
    "ledger/chain.py:transfer_hash": "the fields of a transfer that its hash seals, each by its name",
}
"""What takes more than the rest, each with its reason; anything else passes a value on."""

LEAST_DOCUMENTED = 0.99


@functools.cache
def functions(folder: Path = OTAI) -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    return [
        (f"{path}:{node.name}", node)
        for path, tree in trees(folder).items()
        if "migrations" not in path.split("/")
        for node in ast.walk(tree)
        if isinstance(node, FUNCTION)
    ]


def branches(function: ast.AST) -> int:
    """McCabe's number, with conditions inside expressions and comprehensions counted too. A function inside is counted
    by itself."""
    count = 1
    for node in _own_nodes(function):
        if isinstance(node, ast.If | ast.For | ast.AsyncFor | ast.While | ast.ExceptHandler | ast.IfExp | ast.Assert):
            count += 1
        elif isinstance(node, ast.comprehension):
            count += 1 + len(node.ifs)
        elif isinstance(node, ast.BoolOp):
            count += len(node.values) - 1
        elif isinstance(node, ast.match_case):
            count += 1
    return count


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, FUNCTION):
            yield from _own_nodes(child)


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def test_no_function_is_long_or_busy_without_its_reason() -> None:
    found = {
        name: (lines(function), branches(function))
        for name, function in functions()
        if lines(function) > MOST_LINES or branches(function) > MOST_BRANCHES
    }
    assert {name: found[name] for name in found.keys() - LONGER_OR_BUSIER.keys()} == {}
    assert LONGER_OR_BUSIER.keys() - found.keys() == set(), "no exception is kept that is none any more"


def test_no_file_is_long() -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in OTAI.rglob("*.py")}
    assert {str(path.relative_to(OTAI)): count for path, count in lengths.items() if count > MOST_LINES_OF_A_FILE} == {}


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = function.args
    return len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs)


def test_what_many_parameters_say_together_is_one_value() -> None:
    found = {name: count for name, function in functions() if (count := parameters(function)) > MOST_PARAMETERS}
    assert {name: found[name] for name in found.keys() - MORE_PARAMETERS.keys()} == {}
    assert MORE_PARAMETERS.keys() - found.keys() == set(), "no exception is kept that is none any more"


SAYS_ITSELF = {"notifications.py", "signing_in.py"}
"""Of the commands for a Studio elsewhere: what has no sister here."""


def test_a_command_says_the_same_here_and_elsewhere() -> None:
    """What is printed of a noun stands in cli/presenters, once for the installation here and the Studio elsewhere."""
    commands = dict(below(OTAI / "cli" / "remote"))
    assert len(commands) > 8
    said = [
        f"{path}:{node.lineno}"
        for path, tree in commands.items()
        if path not in SAYS_ITSELF
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("say", "print_table")
    ]
    assert said == []


NO_NAMES = {"found", "one"}
LINES_IN_VIEW = 20


def test_a_long_function_has_no_name_that_says_nothing() -> None:
    """In a few lines `found` is what was just looked for; over a page nobody knows what it was."""
    said = [
        f"{name}: {bound}"
        for name, function in functions()
        if lines(function) > LINES_IN_VIEW
        for bound in sorted(NO_NAMES & _names_bound(function))
    ]
    assert said == []


def _names_bound(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Those of the function itself, parameters too; what a comprehension or lambda binds stands beside its use."""
    nodes = set(_own_nodes(function))
    inside = {node for one in nodes if isinstance(one, ast.comprehension) for node in ast.walk(one.target)}
    names = {node for node in nodes - inside if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    given = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    return {node.id for node in names} | given


def test_a_parameter_binds_a_name_and_a_comprehension_none() -> None:
    [function] = ast.parse("def f(one, *found):\n    here = [other for other in found]\n    return lambda x: x").body
    assert isinstance(function, ast.FunctionDef)
    assert _names_bound(function) == {"one", "found", "here"}


def test_a_branch_is_counted_wherever_it_stands() -> None:
    [function] = ast.parse("def f(a, b):\n    return [x for x in a if x and b] if a else [y for y in b]").body
    assert branches(function) == 6


def below(room: Path) -> Iterator[tuple[str, ast.Module]]:
    """The files of a room of the product, each by its path below it."""
    start = f"{room.relative_to(OTAI).as_posix()}/"
    return ((path.removeprefix(start), tree) for path, tree in trees(OTAI).items() if path.startswith(start))


def undocumented(folder: Path) -> tuple[list[str], int]:
    """Public functions, methods and classes without a docstring, and how many there are in all."""
    missing, total = [], 0
    for path, tree in below(folder):
        for name, node in _public(tree, path):
            total += 1
            if not ast.get_docstring(node):
                missing.append(name)
    return missing, total


def _public(node: ast.AST, where: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """What other files may name; what stands inside a function is nobody else's."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTION, ast.ClassDef)) and not child.name.startswith("_"):
            yield f"{where}:{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from _public(child, f"{where}:{child.name}")


def test_public_functions_say_what_they_do() -> None:
    found = dict(public_functions())
    missing = [name for name, is_documented in found.items() if not is_documented]
    assert len(found) > 1_900
    assert len(missing) <= (1 - LEAST_DOCUMENTED) * len(found), missing


def test_classes_and_functions_of_learning_say_what_they_are() -> None:
    missing, total = undocumented(OTAI / "learning")
    assert total > 300
    assert len(missing) <= (1 - LEAST_DOCUMENTED) * total, missing


DOORS = {"api", "cli", "web"}
"""What their functions, and the desk's, say is the help of a command, a paragraph of the reference, or about a page:
refusals are listed elsewhere."""

ARRAYS = {
    "Codes", "Counts", "Floats", "Hashes", "Indices", "Mask", "Matrix", "NDArray", "Rows", "Scores", "ShortCodes",
    "Vectors", "csr_matrix",
}  # fmt: skip
SAYS_ITS_SHAPE = re.compile(
    r"[Ss]hape|\([a-z0-9][\w +*]*,.*\)|\b[Ff]or each|\b[Ee]ach\b|\b[Aa]s (in|each|`)", re.DOTALL
)


def documented(folder: Path) -> Iterator[tuple[str, ast.FunctionDef, str]]:
    """Public functions and methods of a folder with their docstrings."""
    for path, tree in below(folder):
        for name, node in _public(tree, path):
            if isinstance(node, ast.FunctionDef) and (said := ast.get_docstring(node)):
                yield name, node, said


def raised(function: ast.AST) -> set[str]:
    """The errors that a function raises itself and does not catch, by name; not what only a bug could raise."""
    nodes = list(_own_nodes(function))
    caught = {
        (id(node), handler.type.id)
        for attempt in nodes
        if isinstance(attempt, ast.Try)
        for handler in attempt.handlers
        if isinstance(handler.type, ast.Name)
        for part in attempt.body
        for node in ast.walk(part)
    }
    thrown = [(node, node.exc) for node in nodes if isinstance(node, ast.Raise)]
    named = [(node, error.func if isinstance(error, ast.Call) else error) for node, error in thrown]
    return {
        error.id
        for node, error in named
        if isinstance(error, ast.Name) and error.id[0].isupper() and (id(node), error.id) not in caught
    } - {"AssertionError"}


def test_a_docstring_names_what_its_function_raises() -> None:
    rooms = [path for path in OTAI.iterdir() if path.is_dir() and path.name not in DOORS]
    found = [
        f"{room.name}/{name}: {error}"
        for room in sorted(rooms)
        for name, function, said in documented(room)
        if not name.partition(":")[0].endswith(("admin.py", "desk.py"))
        for error in sorted(raised(function))
        if error not in said
    ]
    assert found == []


def test_a_function_of_learning_that_hands_out_arrays_says_their_shape() -> None:
    found = [
        name
        for name, function, said in documented(OTAI / "learning")
        if function.returns is not None
        and {node.id for node in ast.walk(function.returns) if isinstance(node, ast.Name)} & ARRAYS
        and not SAYS_ITS_SHAPE.search(said)
    ]
    assert found == []


def test_an_array_of_learning_is_called_by_what_it_holds() -> None:
    """`NDArray[np.int64]` may be rows, codes or counts; learning/arrays.py has a name for each."""
    raw = [
        f"{path}:{node.lineno}"
        for path, tree in below(OTAI / "learning")
        if path != "arrays.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "NDArray"
        and isinstance(node.slice, ast.Attribute)
    ]
    assert raw == []


def test_a_docstring_is_counted_where_help_would_show_it(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(
        "class Way(Protocol):\n    @property\n    def name(self): ...\n    def pay(self):\n        'Pays.'\n"
        "class Card(Way):\n    def pay(self): ...\n    def refund(self): ...\n    def _ask(self): ...\n"
        "def cents():\n    'In cents.'\ndef euros(): ...\n"
    )
    assert dict(public_functions(tmp_path)) == {
        "one.py:Way.pay": True,
        "one.py:Card.pay": True,
        "one.py:Card.refund": False,
        "one.py:cents": True,
        "one.py:euros": False,
    }


SHARED_NAMES: dict[str, str] = {
    "Attribute": "tickets' row, and the client's answer",
    "Balance": "the ledger's, the client's, and what the command line shows of either",
    "DataSet": "tickets' row, the client's answer, and what the command line shows of either",
    "Event": "a row of history: of a run, of billing",
    "Label": "tickets' row, and the client's answer",
    "Likely": "the query's answer, and what the command line shows of it",
    "ModelVersion": "serving's row, and the client's answer",
    "NothingToTrain": "one refusal, each door with its own next step",
    "Offer": "pricing's, and what the command line shows of it",
    "Quote": "the row of runs, the client's answer, and what the command line shows of either",
    "Run": "the row of runs, the client's answer, and what the command line shows of either",
    "Saving": "pricing's, the client's, and what the command line shows of either",
    "StatementLine": "the ledger's, the client's, and what the command line shows of either",
    "TooLarge": "one refusal, of the API and of the pages",
}
"""Public class names of more than one file: one meaning each, with what the files have to do with it."""


ALIAS = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*")
"""What a type is called; constants are in capitals throughout."""


def defined(node: ast.stmt) -> str:
    """The name that a line defines, where it is of a class or of a type (`Labels = tuple[str, ...]`); else nothing."""
    if isinstance(node, ast.ClassDef):
        return node.name
    target = (
        node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
    )
    return target.id if isinstance(target, ast.Name) and ALIAS.fullmatch(target.id) else ""


def class_names(folder: Path) -> dict[str, list[str]]:
    """The files that define each public class, below the folder; what stands inside a class or a function is its
    own."""
    return _names(folder, lambda node: node.name if isinstance(node, ast.ClassDef) else "")


def type_names(folder: Path) -> dict[str, list[str]]:
    """As `class_names`, with types that are no classes."""
    return _names(folder, defined)


def _names(folder: Path, name_of: Callable[[ast.stmt], str]) -> dict[str, list[str]]:
    files: dict[str, list[str]] = {}
    for path, tree in trees(folder).items():
        if "migrations" in path.split("/"):
            continue
        for node in tree.body:
            if (name := name_of(node)) and not name.startswith("_"):
                files.setdefault(name, []).append(path)
    return files


def test_no_name_of_a_class_or_type_has_two_meanings() -> None:
    twice = {name: files for name, files in type_names(OTAI).items() if len(files) > 1}
    assert {name: twice[name] for name in twice.keys() - SHARED_NAMES.keys()} == {}
    assert SHARED_NAMES.keys() - twice.keys() == set(), "no exception is kept that is none any more"


def test_a_name_of_two_files_is_noticed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(
            "class Answer:\n    class Meta: ...\n\nclass _Lines: ...\nLIMIT = 3\nlimit = 3\nAnswers = list[Answer]\n"
            "Text: TypeAlias = str\n"
        )
    both = ["one.py", "two.py"]
    assert type_names(tmp_path) == {"Answer": both, "Answers": both, "Text": both}
