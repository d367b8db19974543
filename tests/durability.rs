//! `docs/durability.md` names the tests that show what it promises: they are there.

use std::error::Error;
use std::path::Path;

#[test]
fn every_test_that_the_page_on_durability_names_is_there() -> Result<(), Box<dyn Error>> {
    let page = std::fs::read_to_string("docs/durability.md")?;
    let mut sources = String::new();
    for directory in ["src", "tests"] {
        collect(Path::new(directory), &mut sources)?;
    }
    let is_test = |word: &&str| {
        let of_a_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        word.matches('_').count() > 3 && word.chars().all(of_a_name)
    };
    let named: Vec<&str> = page.split('`').filter(is_test).collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        assert!(
            sources.contains(&format!("fn {name}(")),
            "there is no {name}"
        );
    }
    Ok(())
}

fn collect(directory: &Path, sources: &mut String) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(path)?);
        }
    }
    Ok(())
}
