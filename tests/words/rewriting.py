"""Finds code that works on a finished sentence by pattern: that cuts, replaces or reads again what a catalogue, a
template or a refusal has said. A sentence is said once, in its catalogue; what it should say otherwise stands there.

What a call hands out is followed through names, arguments and results, by the bare names of functions: enough to notice
a filter that is put around all sentences, not a proof.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

SAYS = frozenset({"gettext", "pgettext", "ngettext", "npgettext", "_now", "render_to_string"})
"""Functions of others whose result is a finished sentence, or markup that holds some. Of ours: whatever the room
`words` hands out as text."""

SAYS_AS_METHOD = frozenset({"said", "render"})

WORKS_ON = frozenset(
    {
        *("replace", "translate", "removeprefix", "removesuffix", "capitalize", "lower", "upper", "casefold", "title"),
        *("split", "rsplit", "partition", "rpartition", "startswith", "endswith", "index", "find"),
    }
)
"""Methods of a text that change it or read it."""

PATTERN = frozenset({"sub", "subn", "match", "search", "fullmatch", "findall", "finditer"})
"""Functions and methods of patterns; `split` of a pattern is among the methods of a text."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def rewritten(trees: Mapping[str, ast.Module]) -> list[str]:
    """`path:function: code` of each place in the files that works on a finished sentence, in their order."""
    texts = _texts(trees)
    files = [_File(path, tree, texts) for path, tree in trees.items()]
    functions = [_Function(file, node) for file in files for node in ast.walk(file.tree) if isinstance(node, FUNCTION)]
    known = _Known(functions)
    while sum(known.learns_from(function) for function in functions):
        pass
    found = {
        (function.file.path, node.lineno): f"{function.file.path}:{function.node.name}: {ast.unparse(node)}"
        for function in functions
        for node in function.worked_on()
    }
    return [found[place] for place in sorted(found)]


def _texts(trees: Mapping[str, ast.Module]) -> set[tuple[str, str]]:
    """The public functions of the room `words` that hand out text, each with its module."""
    return {
        ("otai." + path.removesuffix(".py").replace("/", "."), node.name)
        for path, tree in trees.items()
        if path.startswith("words/")
        for node in tree.body
        if isinstance(node, FUNCTION) and node.returns is not None and "str" in ast.unparse(node.returns).split(" | ")
    }


class _File:
    """`says` are the functions, by the name that the file calls them, that hand out finished sentences."""

    def __init__(self, path: str, tree: ast.Module, texts: set[tuple[str, str]]) -> None:
        self.path, self.tree = path, tree
        self.says = set(SAYS)
        own = "otai." + path.removesuffix(".py").replace("/", ".")
        self.says |= {name for module, name in texts if module == own}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("otai.words"):
                for alias in node.names:
                    name, module = alias.asname or alias.name, f"{node.module}.{alias.name}"
                    self.says |= {name} if (node.module, alias.name) in texts else set()
                    self.says |= {f"{name}.{function}" for where, function in texts if where == module}


class _Function:
    """A function with the names in it that hold sentences, as far as they are known."""

    def __init__(self, file: _File, node: Function) -> None:
        self.file, self.node = file, node
        blocks = any("simple_block_tag" in ast.unparse(one) for one in node.decorator_list)
        self.sentences: set[str] = {"content"} if blocks else set()
        self.inside = [
            below
            for child in ast.iter_child_nodes(node)
            for below in _below(child)
            if isinstance(below, ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.Call | ast.Return)
        ]

    def holds(self, node: ast.expr) -> bool:
        """Whether a value is a finished sentence, or may be one."""
        match node:
            case ast.Name(id=name):
                return name in self.sentences
            case ast.IfExp():
                return self.holds(node.body) or self.holds(node.orelse)
            case ast.BoolOp():
                return any(map(self.holds, node.values))
            case ast.BinOp():
                return self.holds(node.left) or self.holds(node.right)
            case ast.Call(func=ast.Name(id="str" | "SafeString"), args=[value]):
                return self.holds(value)
            case ast.Call(func=function):
                return self._says(function)
        return False

    def _says(self, called: ast.expr) -> bool:
        if isinstance(called, ast.Name):
            return called.id in self.file.says
        if isinstance(called, ast.Attribute):
            if isinstance(called.value, ast.Name) and f"{called.value.id}.{called.attr}" in self.file.says:
                return True
            return called.attr in SAYS_AS_METHOD or (called.attr in {"format", *WORKS_ON} and self.holds(called.value))
        return False

    def worked_on(self) -> Iterator[ast.expr]:
        """The calls in the function that work on a sentence."""
        for node in self.inside:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                is_text = node.func.attr in WORKS_ON and self.holds(node.func.value)
                if is_text or (node.func.attr in PATTERN and any(map(self.holds, node.args))):
                    yield node


class _Known:
    """The functions by their names; one that has its name alone may itself turn out to say sentences."""

    def __init__(self, functions: list[_Function]) -> None:
        self.by_name: dict[str, list[_Function]] = {}
        for function in functions:
            self.by_name.setdefault(function.node.name, []).append(function)
        self.files = {id(function.file): function.file for function in functions}.values()

    def learns_from(self, function: _Function) -> bool:
        """Whether anything is known now that was not."""
        news = False
        for node in function.inside:
            if isinstance(node, ast.Call):
                news |= self._hand_over(node, function)
            elif node.value is None or not function.holds(node.value):
                continue
            elif isinstance(node, ast.Return):
                news |= self._says(function)
            else:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {target.id for target in targets if isinstance(target, ast.Name)}
                news |= not names <= function.sentences
                function.sentences |= names
        return news

    def _says(self, function: _Function) -> bool:
        name = function.node.name
        if name in function.file.says or len(self.by_name[name]) > 1:
            return False
        for file in self.files:
            file.says.add(name)
        return True

    def _hand_over(self, call: ast.Call, giver: _Function) -> bool:
        # A method may be anybody's: only a function that is called by its own name takes sentences over.
        news = False
        for callee in self.by_name.get(call.func.id, []) if isinstance(call.func, ast.Name) else []:
            parameters = [one.arg for one in (*callee.node.args.posonlyargs, *callee.node.args.args)]
            given = dict(zip(parameters, call.args, strict=False))
            given |= {one.arg: one.value for one in call.keywords if one.arg}
            names = {name for name, value in given.items() if giver.holds(value)}
            news |= not names <= callee.sentences
            callee.sentences |= names
        return news


def _below(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, FUNCTION):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _below(child)
