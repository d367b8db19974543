//! What `Cargo.lock` says of the TLS stack.
//!
//! The lock holds optional packages too, whether they are built or not; so `ring` may stand
//! in it, but only behind those that are known to leave it out unless asked.

use crate::rules::Violation;

/// A package in the lock.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package<'a> {
    name: &'a str,
    version: &'a str,
    dependencies: Vec<&'a str>,
}

/// One version each, and the beginning of that version.
const ONE_OF_EACH: &[(&str, &str)] = &[
    ("aws-lc-rs", "1."),
    ("h2", "0.4."),
    ("http", "1."),
    ("hyper", "1."),
    ("hyper-rustls", "0.27."),
    ("rustls", "0.23."),
    ("tokio-rustls", "0.26."),
];

/// Other TLS stacks and crypto providers.
const RIVALS: &[&str] = &[
    "aws-lc-fips-sys",
    "boring",
    "boring-sys",
    "gnutls",
    "mbedtls",
    "native-tls",
    "openssl",
    "openssl-sys",
    "s2n-tls",
    "tokio-native-tls",
    "tokio-openssl",
];

/// Packages with `ring` as a feature that nobody here turns on.
const MAY_NAME_RING: &[&str] = &["rcgen", "rustls", "rustls-webpki", "x509-parser"];

/// The packages of a lock file.
pub(crate) fn packages(lock: &str) -> Vec<Package<'_>> {
    let tables = lock.split("[[package]]").skip(1);
    tables.map(package).collect()
}

/// What a lock has that it should not have, and the other way round.
pub(crate) fn violations(packages: &[Package<'_>]) -> Vec<Violation> {
    let one = ONE_OF_EACH.iter().filter_map(|(name, wanted)| {
        let versions: Vec<_> = packages
            .iter()
            .filter(|p| p.name == *name)
            .map(|p| p.version)
            .collect();
        let is_one = matches!(versions.as_slice(), [version] if version.starts_with(wanted));
        (!is_one).then(|| {
            violation(format!(
                "{name} is there as {versions:?}, not once as {wanted}*"
            ))
        })
    });
    let rivals = packages
        .iter()
        .filter(|package| RIVALS.contains(&package.name));
    let rivals = rivals.map(|package| violation(format!("{} is another TLS stack", package.name)));
    let ring = packages.iter().filter(|package| {
        package.dependencies.contains(&"ring") && !MAY_NAME_RING.contains(&package.name)
    });
    let ring = ring.map(|package| violation(format!("{} needs ring", package.name)));
    one.chain(rivals).chain(ring).collect()
}

fn package(table: &str) -> Package<'_> {
    let value = |name: &str| {
        let mut lines = table.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        value.unwrap_or_default().trim_matches('"')
    };
    // A dependency is a line such as ` "hyper 1.12.0",`; the version stands there if it is
    // needed to tell two apart.
    let dependencies = table
        .lines()
        .filter_map(|line| line.strip_prefix(" \"")?.split([' ', '"']).next());
    Package {
        name: value("name"),
        version: value("version"),
        dependencies: dependencies.collect(),
    }
}

fn violation(problem: String) -> Violation {
    Violation::new("Cargo.lock", problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of [`ONE_OF_EACH`] once.
    fn sound_lock() -> String {
        let tables = ONE_OF_EACH
            .iter()
            .map(|(name, version)| entry(name, &format!("{version}1"), &[]));
        format!("version = 4\n\n{}", tables.collect::<String>())
    }

    fn entry(name: &str, version: &str, dependencies: &[&str]) -> String {
        let lines: String = dependencies
            .iter()
            .map(|name| format!(" \"{name}\",\n"))
            .collect();
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\ndependencies = [\n{lines}]\n\n"
        )
    }

    fn problems(lock: &str) -> Vec<String> {
        violations(&packages(lock))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_package_is_read_with_its_dependencies() {
        let lock = entry("a", "1.2.3", &["hyper 1.12.0", "ring"]);
        let expected = Package {
            name: "a",
            version: "1.2.3",
            dependencies: vec!["hyper", "ring"],
        };
        assert_eq!(packages(&lock), [expected]);
    }

    #[test]
    fn one_stack_is_fine_even_with_ring_as_an_option() {
        let lock = sound_lock()
            + &entry("rustls-webpki", "0.103.0", &["ring"])
            + &entry("ring", "0.17.14", &[]);
        assert_eq!(problems(&lock), [""; 0]);
    }

    #[test]
    fn a_second_rustls_is_told_of() {
        let lock = sound_lock() + &entry("rustls", "0.21.12", &[]);
        assert_eq!(
            problems(&lock),
            [r#"Cargo.lock: rustls is there as ["0.23.1", "0.21.12"], not once as 0.23.*"#]
        );
    }

    #[test]
    fn another_stack_and_a_user_of_ring_are_told_of() {
        let lock =
            sound_lock() + &entry("openssl-sys", "0.9.1", &[]) + &entry("quic", "1.0.0", &["ring"]);
        assert_eq!(
            problems(&lock),
            [
                "Cargo.lock: openssl-sys is another TLS stack",
                "Cargo.lock: quic needs ring"
            ]
        );
    }

    #[test]
    fn a_lock_without_the_stack_is_told_of() {
        assert_eq!(problems("version = 4\n").len(), ONE_OF_EACH.len());
    }
}
