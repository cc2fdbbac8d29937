"""Everything that is exported says what it takes, and in which shape."""

import ast
import re

from doc_blocks import ROOT

# Methods that a framework calls, whose arguments its base class describes.
HOOKS = re.compile(r"(before|after)_(run|train|val|test|save|load)\w*")
INHERITED = {"add_params", "get_data_info", "optim_context", "prepare_data", "process", "train", "transform"}
INHERITED |= {"build_model", "build_strategy", "load_checkpoint", "resume"}
ELSEWHERE = re.compile(r"arguments[^.]* as (for|of) :")
ARRAY = re.compile(r"\b(Tensor|ndarray|NDArray)\b")
BY_NAME = re.compile(r"\b(dict|Mapping|Callable)\[.*\]")
SHAPE = re.compile(r"\([^(),]+,[^)]*\)|\b[Ss]hape\b|\b[Ss]calar\b")


def is_array(annotation: ast.expr | None) -> bool:
    """Whether a tensor or an array is meant, not a dict of them."""
    return annotation is not None and bool(ARRAY.search(BY_NAME.sub("", ast.unparse(annotation))))


def arguments(function: ast.FunctionDef, is_method: bool) -> list[ast.arg]:
    """All arguments but self or cls."""
    found = [*function.args.posonlyargs, *function.args.args]
    static = any(getattr(decorator, "id", "") == "staticmethod" for decorator in function.decorator_list)
    return [*found[1 if is_method and not static else 0 :], *function.args.kwonlyargs]


def described(doc: str, name: str) -> str | None:
    """What the Args section says of an argument."""
    section = re.split(r"\n(?:Returns|Raises|Yields):", doc.partition("Args:")[2])[0]
    found = re.search(rf"^    \*{{0,2}}{re.escape(name)}:((?:.*)(?:\n {{8}}.*)*)", section, re.MULTILINE)
    return found[1] if found else None


def problems(name: str, doc: str | None, args: list[ast.arg], returns: ast.expr | None) -> list[str]:
    """What a docstring lacks."""
    if not doc:
        return [f"{name}: no docstring"]
    if ELSEWHERE.search(doc):
        return []
    found = []
    for arg in args:
        text = described(doc, arg.arg)
        if text is None:
            found.append(f"{name}: {arg.arg} does not stand under Args")
        elif is_array(arg.annotation) and not SHAPE.search(text):
            found.append(f"{name}: {arg.arg} has no shape")
    if is_array(returns) and not SHAPE.search(doc):
        found.append(f"{name}: the result has no shape")
    return found


def check_class(node: ast.ClassDef) -> list[str]:
    """A class, whose docstring describes its constructor, and its public methods."""
    methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
    constructor = [arguments(method, True) for method in methods if method.name == "__init__"]
    found = problems(node.name, ast.get_docstring(node), constructor[0] if constructor else [], None)
    for method in methods:
        if method.name.startswith("_") or method.name in INHERITED or HOOKS.fullmatch(method.name):
            continue
        found += problems(
            f"{node.name}.{method.name}", ast.get_docstring(method), arguments(method, True), method.returns
        )
    return found


def check_source(source: str, names: set[str]) -> tuple[int, list[str]]:
    """The functions and classes of a module with one of the names: how many, and what they lack."""
    count, found = 0, []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name in names:
            count += 1
            if isinstance(node, ast.ClassDef):
                found += check_class(node)
            else:
                found += problems(node.name, ast.get_docstring(node), arguments(node, False), node.returns)
    return count, found


def exported() -> set[str]:
    """What a package names in ``__all__``, and what stands in a module of the API reference."""
    names: set[str] = set()
    for path in (ROOT / "mmhsi").rglob("__init__.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                names |= set(ast.literal_eval(node.value))
    for module in re.findall(
        r"automodule:: (\S+)", "".join(path.read_text() for path in (ROOT / "docs/api").glob("*"))
    ):
        path = ROOT / f"{module.replace('.', '/')}.py"
        if path.is_file():
            defined = (node.name for node in ast.parse(path.read_text()).body if hasattr(node, "name"))
            names |= {name for name in defined if not name.startswith("_")}
    return names


def test_exported_arguments_and_shapes_are_described():
    names = exported()
    found = {path: check_source(path.read_text(), names) for path in (ROOT / "mmhsi").rglob("*.py")}
    assert {str(path): lines for path, (_, lines) in found.items() if lines} == {}
    assert sum(count for count, _ in found.values()) > 150


def test_what_is_missing_is_found():
    source = '''
def f(x: Tensor, y: int, z: dict[str, Tensor]) -> Tensor:
    """Do.

    Args:
        x: An image.
        z: By name.
    """
'''
    assert check_source(source, {"g"}) == (0, [])
    lacking = ["f: x has no shape", "f: y does not stand under Args", "f: the result has no shape"]
    assert check_source(source, {"f"}) == (1, lacking)
    better = source.replace("An image.", "Shape (B, C).").replace("z: By", "y: Count.\n        z: By")
    assert check_source(better, {"f"}) == (1, [])
    assert check_source("class A:\n    def __init__(self, x): ...\n", {"A"}) == (1, ["A: no docstring"])
