//! The modules of training and of the engine use each other in one direction.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The identifier that `text` begins with.
fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The first identifiers of all paths in the group that `text` begins with, after its brace.
fn group(text: &str) -> Vec<&str> {
    let (mut depth, mut is_first, mut found) = (0, true, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_first = true,
            c if is_first && c.is_alphabetic() => {
                found.push(identifier(&text[at..]));
                is_first = false;
            }
            _ => {}
        }
    }
    found
}

/// What the paths in `code` that begin with `prefix` name first.
fn named<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let paths = code.match_indices(prefix).filter(|(at, _)| {
        let before = code[..*at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$')
    });
    let names = paths.flat_map(|(at, _)| {
        let rest = &code[at + prefix.len()..];
        rest.strip_prefix('{')
            .map_or_else(|| vec![identifier(rest)], group)
    });
    names.collect()
}

/// `text` without comments, and without tests, which may use everything.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    let lines = text[..end].lines();
    let code: Vec<&str> = lines
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    code.join("\n")
}

/// Adds what the files below `folder`, `depth` modules below the root and part of `module`, use.
fn read(folder: &Path, module: Option<&str>, depth: usize, graph: &mut Graph) {
    for entry in fs::read_dir(folder).expect("a folder of code") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy();
        if name == "tests" || (module.is_none() && ["lib", "main"].contains(&&*name)) {
            continue;
        }
        let of = module.unwrap_or(&name);
        if path.is_dir() {
            read(&path, Some(of), depth + 1, graph);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let code = code(&fs::read_to_string(&path).expect("code"));
            let above = if name == "mod" { depth } else { depth + 1 };
            let used = graph.entry(of.to_owned()).or_default();
            for prefix in ["crate::".to_owned(), "super::".repeat(above)] {
                used.extend(named(&code, &prefix).into_iter().map(str::to_owned));
            }
        }
    }
}

/// The modules of the code in `folder` and which other ones each uses.
fn graph(folder: &Path) -> Graph {
    let mut graph = Graph::new();
    read(folder, None, 0, &mut graph);
    let modules: BTreeSet<String> = graph.keys().cloned().collect();
    for (module, used) in &mut graph {
        used.retain(|other| other != module && modules.contains(other));
    }
    graph
}

/// Modules that use each other in a circle, if there are any.
fn cycle(graph: &Graph) -> Option<Vec<String>> {
    fn walk(graph: &Graph, path: &mut Vec<String>, done: &mut BTreeSet<String>) -> bool {
        let module = path.last().expect("a module").clone();
        for used in &graph[&module] {
            if let Some(at) = path.iter().position(|earlier| earlier == used) {
                path.drain(..at);
                path.push(used.clone());
                return true;
            }
            path.push(used.clone());
            if !done.contains(used) && walk(graph, path, done) {
                return true;
            }
            path.pop();
        }
        done.insert(module);
        false
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|module| {
        let mut path = vec![module.clone()];
        let is_circle = !done.contains(module) && walk(graph, &mut path, &mut done);
        is_circle.then_some(path)
    })
}

#[test]
fn paths_are_found_in_uses_and_in_code() {
    let text = "//! crate::none\nuse crate::{\n    a::{b, c},\n    d,\n};\nuse crate::e::f;\n\
                use super::super::g;\nfn h() { crate::i::j(); $crate::k!(); }\n\
                #[cfg(test)]\nmod tests { use crate::l; }\n";
    let code = code(text);
    assert_eq!(named(&code, "crate::"), ["a", "d", "e", "i"]);
    assert_eq!(named(&code, "super::super::"), ["g"]);
    assert_eq!(named(&code, "super::"), ["super"]);
}

#[test]
fn circles_are_found() {
    let of = |edges: &[(&str, &[&str])]| -> Graph {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let edges = edges.iter();
        edges.map(|(a, b)| ((*a).to_owned(), owned(b))).collect()
    };
    let tree = of(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert_eq!(cycle(&tree), None);
    let circle = of(&[("a", &["b"]), ("b", &["c"]), ("c", &["d"]), ("d", &["b"])]);
    assert_eq!(cycle(&circle).unwrap(), ["b", "c", "d", "b"]);
}

#[test]
fn modules_use_each_other_in_one_direction() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "../plugin/engine/src"] {
        let graph = graph(&here.join(folder));
        let edges: usize = graph.values().map(BTreeSet::len).sum();
        assert!(graph.len() > 10 && edges > 30, "{folder}: {graph:?}");
        if let Some(circle) = cycle(&graph) {
            panic!("{folder}: {}", circle.join(" uses "));
        }
    }
}
