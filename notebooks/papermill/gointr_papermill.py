"""Teaches papermill to write parameters as Go: `papermill in.ipynb out.ipynb -p image bird.jpg` puts

    // Parameters
    var image = "bird.jpg"

behind the cell with the tag "parameters". The kernel takes the last definition of a variable."""
import json
import math


def __getattr__(name):
    """Engine, which the entry point names, is papermill's own. Papermill may ask for it while it is imported below."""
    if name != "Engine":
        raise AttributeError(name)
    from papermill.engines import NBClientEngine
    return NBClientEngine


from papermill.translators import Translator, papermill_translators  # noqa: E402


class GoTranslator(Translator):
    @classmethod
    def translate_escaped_str(cls, text):
        return json.dumps(str(text), ensure_ascii=False)

    @classmethod
    def translate_str(cls, text):
        return cls.translate_escaped_str(text)

    @classmethod
    def translate_none(cls, _):
        return "any(nil)"

    @classmethod
    def translate_bool(cls, value):
        return "true" if value else "false"

    @classmethod
    def translate_int(cls, value):
        return str(value)

    @classmethod
    def translate_float(cls, value):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be a parameter of a notebook in Go: give a finite number")
        text = repr(value)
        return text if any(c in text for c in ".e") else text + ".0"

    @classmethod
    def translate_list(cls, values):
        kinds = {type(v) for v in values}
        kind = {(str,): "string", (bool,): "bool", (int,): "int", (float,): "float64"}.get(tuple(kinds), "any")
        if kinds == {int, float}:
            kind = "float64"
        return f"[]{kind}{{{', '.join(cls.translate(v) for v in values)}}}"

    @classmethod
    def translate_dict(cls, values):
        lines = ", ".join(f"{cls.translate_str(k)}: {cls.translate(v)}" for k, v in values.items())
        return f"map[string]any{{{lines}}}"

    @classmethod
    def comment(cls, text):
        return f"// {text}".strip()

    @classmethod
    def assign(cls, name, text):
        return f"var {name} = {text}"


papermill_translators.register("go", GoTranslator)
