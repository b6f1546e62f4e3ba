//! Programs' sources, told by their names: browsers and common tables call many of them plain text, or films.

/// MIME types of sources by their extension, where the usual tables have none or a wrong one.
const TYPES: [(&str, &[&str]); 41] = [
    ("application/x-sh", &["bash", "zsh"]),
    ("text/wgsl", &["wgsl"]),
    ("text/x-asm", &["asm", "s"]),
    ("text/x-bat", &["bat", "cmd"]),
    ("text/x-c", &["c", "h"]),
    ("text/x-c++", &["cc", "cpp", "cxx", "hh", "hpp", "hxx"]),
    ("text/x-clojure", &["clj", "cljs"]),
    ("text/x-cmake", &["cmake"]),
    ("text/x-csharp", &["cs"]),
    ("text/x-cuda", &["cu"]),
    ("text/x-dart", &["dart"]),
    ("text/x-elixir", &["ex", "exs"]),
    ("text/x-erlang", &["erl"]),
    ("text/x-fsharp", &["fs"]),
    ("text/x-glsl", &["glsl"]),
    ("text/x-go", &["go"]),
    ("text/x-groovy", &["gradle", "groovy"]),
    ("text/x-haskell", &["hs"]),
    ("text/x-ini", &["ini"]),
    ("text/x-java", &["java"]),
    ("text/x-julia", &["jl"]),
    ("text/x-kotlin", &["kt", "kts"]),
    ("text/x-lisp", &["el", "lisp"]),
    ("text/x-makefile", &["mk"]),
    ("text/x-nim", &["nim"]),
    ("text/x-objectivec", &["m", "mm"]),
    ("text/x-ocaml", &["ml"]),
    ("text/x-powershell", &["ps1"]),
    ("text/x-properties", &["properties"]),
    ("text/x-protobuf", &["proto"]),
    ("text/x-python", &["py", "pyi", "pyw"]),
    ("text/x-r", &["r"]),
    ("text/x-ruby", &["rb"]),
    ("text/x-scala", &["scala"]),
    ("text/x-scheme", &["scm"]),
    ("text/x-solidity", &["sol"]),
    ("text/x-svelte", &["svelte"]),
    ("text/x-swift", &["swift"]),
    ("text/x-typescript", &["ts", "tsx"]),
    ("text/x-vb", &["vb"]),
    ("text/x-vue", &["vue"]),
];
/// And by their whole name.
const NAMES: [(&str, &str); 2] = [("text/x-dockerfile", "dockerfile"), ("text/x-makefile", "makefile")];

/// The MIME type of a source of that name; None where it is none, or the usual tables know it.
pub fn code_type(name: &str) -> Option<&'static str> {
    let Some((_, extension)) = name.rsplit_once('.') else {
        return NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(kind, _)| *kind);
    };
    let has = |extensions: &[&str]| extensions.iter().any(|known| known.eq_ignore_ascii_case(extension));
    TYPES.iter().find(|(_, extensions)| has(extensions)).map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_by_their_names() {
        assert_eq!(code_type("a.PY"), Some("text/x-python"));
        assert_eq!(code_type("a.d.ts"), Some("text/x-typescript"));
        assert_eq!(code_type("Makefile"), Some("text/x-makefile"));
        for other in ["a.txt", "a.md", "py", "a.py.txt", "a.mp4", "a."] {
            assert_eq!(code_type(other), None, "{other}");
        }
    }

    #[test]
    fn no_extension_has_two_types() {
        let mut all: Vec<&str> =
            TYPES.iter().flat_map(|(_, extensions)| extensions.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
