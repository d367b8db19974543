//! Help for a word that was mistyped.

/// `did you mean …?`, if one of the names is close enough to be meant.
pub(super) fn did_you_mean<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let distance = |name: &&str| strsim::damerau_levenshtein(word, name);
    // One slip in three letters; more is another word.
    let allowed = (word.chars().count() / 3).max(1);
    let name = names
        .min_by_key(distance)
        .filter(|name| distance(name) <= allowed)?;
    Some(format!("did you mean `{name}`?"))
}

/// "`a`, `b` or `c`".
pub(super) fn one_of<'n>(words: impl Iterator<Item = &'n str>) -> String {
    let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let names = || ["chunk_limit_size", "timekey", "timekey_wait", "path"].into_iter();
        let expected = |name| Some(format!("did you mean `{name}`?"));
        assert_eq!(
            did_you_mean("chunk_limt_size", names()),
            expected("chunk_limit_size")
        );
        assert_eq!(did_you_mean("pahts", names()), None);
        assert_eq!(did_you_mean("paht", names()), expected("path"));
        assert_eq!(did_you_mean("bucket", names()), None);
    }

    #[test]
    fn choices_are_listed_as_one_says_them() {
        assert_eq!(one_of(["a"].into_iter()), "`a`");
        assert_eq!(one_of(["a", "b", "c"].into_iter()), "`a`, `b` or `c`");
    }
}
