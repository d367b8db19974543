//! Fluentd's globs over tags, run as a small automaton.
//!
//! Fluentd turns a glob into a regular expression with a look-ahead, which our regex
//! crates do not have, and whose run time a hostile tag can drive up. Here all
//! readings of a tag are followed at once: linear time, nothing allocated.

use super::pattern::PatternError;

/// A pattern with `*`, `**` or `{…}` in it.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    /// Runs from the first step; at most [`MAX_STEPS`] of them.
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Takes this byte.
    Byte(u8),
    /// Takes any byte but a dot.
    NotDot,
    /// Takes any byte.
    Any,
    /// Goes on if the tag ends here or a dot follows.
    IfPartEnds,
    /// Goes on if nothing was taken yet.
    IfStart,
    /// Goes on at both steps.
    Fork(usize, usize),
    Jump(usize),
    /// The pattern takes the tag if the tag ends here.
    Done,
}

/// Keeps the automaton's state on the stack.
const MAX_STEPS: usize = 512;

impl Glob {
    pub(super) fn parse(pattern: &str) -> Result<Glob, PatternError> {
        let mut compiler = Compiler::default();
        compiler.pattern(pattern);
        if !compiler.open.is_empty() {
            return Err(PatternError::Unclosed {
                pattern: pattern.to_owned(),
            });
        }
        let mut steps = compiler.steps;
        steps.push(Step::Done);
        if steps.len() > MAX_STEPS {
            let start = pattern.chars().take(40).collect();
            return Err(PatternError::TooLong {
                start,
                found: steps.len(),
                limit: MAX_STEPS,
            });
        }
        Ok(Glob { steps })
    }

    pub(super) fn matches(&self, tag: &str) -> bool {
        if self.steps.len() <= 64 {
            self.run::<1>(tag)
        } else {
            self.run::<{ MAX_STEPS / 64 }>(tag)
        }
    }

    /// Follows the tag with as many words of state as the steps need.
    fn run<const WORDS: usize>(&self, tag: &str) -> bool {
        let tag = tag.as_bytes();
        let mut now = StepSet([0; WORDS]);
        self.enter(0, tag, 0, &mut now);
        for (at, byte) in tag.iter().enumerate() {
            let mut next = StepSet([0; WORDS]);
            for step in now.iter() {
                let takes = match self.steps.get(step) {
                    Some(Step::Byte(wanted)) => wanted == byte,
                    Some(Step::NotDot) => *byte != b'.',
                    Some(Step::Any) => true,
                    _ => false,
                };
                if takes {
                    self.enter(step + 1, tag, at + 1, &mut next);
                }
            }
            now = next;
        }
        now.contains(self.steps.len() - 1)
    }

    /// Adds a step and all that follow from it without taking a byte, where `at`
    /// bytes of the tag were taken.
    fn enter<const WORDS: usize>(
        &self,
        step: usize,
        tag: &[u8],
        at: usize,
        set: &mut StepSet<WORDS>,
    ) {
        if !set.insert(step) {
            return;
        }
        match self.steps.get(step) {
            Some(Step::IfPartEnds) if matches!(tag.get(at), None | Some(b'.')) => {
                self.enter(step + 1, tag, at, set);
            }
            Some(Step::IfStart) if at == 0 => self.enter(step + 1, tag, at, set),
            Some(Step::Fork(one, other)) => {
                self.enter(*one, tag, at, set);
                self.enter(*other, tag, at, set);
            }
            Some(Step::Jump(target)) => self.enter(*target, tag, at, set),
            _ => {}
        }
    }
}

/// The steps at which the automaton stands.
struct StepSet<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> StepSet<WORDS> {
    /// Whether the step is new here.
    fn insert(&mut self, step: usize) -> bool {
        let bit = 1 << (step % 64);
        match self.0.get_mut(step / 64) {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                true
            }
            _ => false,
        }
    }

    fn contains(&self, step: usize) -> bool {
        self.0
            .get(step / 64)
            .is_some_and(|word| word & (1 << (step % 64)) != 0)
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let bit = left.trailing_zeros() as usize;
                    left &= left - 1;
                    index * 64 + bit
                })
            })
        })
    }
}

#[derive(Default)]
struct Compiler {
    steps: Vec<Step>,
    /// The `{` that wait for their `}`, innermost last.
    open: Vec<Alternatives>,
    /// A dot was read and not yet put down: before `**` it means something else.
    dot: bool,
}

struct Alternatives {
    /// The fork before the alternative being read; its second way leads to the next.
    fork: usize,
    /// The jumps at the ends of those already read; they lead behind the `}`.
    ends: Vec<usize>,
}

impl Compiler {
    fn pattern(&mut self, pattern: &str) {
        let mut rest = pattern;
        loop {
            if let Some(after) = rest.strip_prefix("**") {
                if std::mem::take(&mut self.dot) {
                    self.steps.push(Step::IfPartEnds);
                }
                rest = match after.strip_prefix('.') {
                    Some(after) => {
                        self.parts_and_dot();
                        after
                    }
                    None => {
                        self.repeat(Step::Any);
                        after
                    }
                };
                continue;
            }
            let mut chars = rest.chars();
            let Some(char) = chars.next() else {
                return;
            };
            if std::mem::take(&mut self.dot) {
                self.literal('.');
            }
            match char {
                '\\' => chars
                    .next()
                    .into_iter()
                    .for_each(|escaped| self.literal(escaped)),
                '.' => self.dot = true,
                '*' => self.repeat(Step::NotDot),
                '{' => self.open(),
                ',' if !self.open.is_empty() => self.next_alternative(),
                '}' if !self.open.is_empty() => self.close(),
                other => self.literal(other),
            }
            rest = chars.as_str();
        }
    }

    fn literal(&mut self, char: char) {
        let mut buffer = [0; 4];
        self.steps
            .extend(char.encode_utf8(&mut buffer).bytes().map(Step::Byte));
    }

    fn repeat(&mut self, step: Step) {
        let here = self.steps.len();
        self.steps
            .extend([Step::Fork(here + 1, here + 3), step, Step::Jump(here)]);
    }

    /// `**.`: any parts with their dots, or nothing at the tag's very beginning.
    fn parts_and_dot(&mut self) {
        let here = self.steps.len();
        self.steps.push(Step::Fork(here + 1, here + 6));
        self.repeat(Step::Any);
        self.steps
            .extend([Step::Byte(b'.'), Step::Jump(here + 7), Step::IfStart]);
    }

    fn open(&mut self) {
        self.open.push(Alternatives {
            fork: self.steps.len(),
            ends: Vec::new(),
        });
        self.steps.push(Step::Jump(self.steps.len() + 1));
    }

    fn next_alternative(&mut self) {
        let end = self.steps.len();
        let next = end + 1;
        // Both get their targets at the `}`; until then they lead straight on.
        self.steps.extend([Step::Jump(next), Step::Jump(next + 1)]);
        if let Some(alternatives) = self.open.last_mut() {
            let fork = std::mem::replace(&mut alternatives.fork, next);
            alternatives.ends.push(end);
            self.set(fork, Step::Fork(fork + 1, next));
        }
    }

    fn close(&mut self) {
        let behind = self.steps.len();
        for end in self
            .open
            .pop()
            .into_iter()
            .flat_map(|alternatives| alternatives.ends)
        {
            self.set(end, Step::Jump(behind));
        }
    }

    fn set(&mut self, at: usize, step: Step) {
        if let Some(place) = self.steps.get_mut(at) {
            *place = step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn takes(pattern: &str, tag: &str) -> bool {
        Glob::parse(pattern).unwrap().matches(tag)
    }

    #[test]
    fn two_stars_before_a_dot_take_no_part_or_several() {
        for tag in ["c", "b.c", "a.b.c"] {
            assert!(takes("**.c", tag), "{tag}");
        }
        assert!(!takes("**.c", "bc"));
        assert!(takes("a.**.c", "a.c"));
        assert!(!takes("a.**.c", "ab.c"));
    }

    #[test]
    fn two_stars_after_a_dot_begin_at_a_part() {
        assert!(takes("a.**", "a"));
        assert!(takes("a.**", "a.b.c"));
        assert!(!takes("a.**", "ab"));
    }

    #[test]
    fn braces_nest_and_may_hold_nothing() {
        for tag in ["a.b", "a.c.d", "a.c.e", "a."] {
            assert!(takes("a.{b,c.{d,e},}", tag), "{tag}");
        }
        assert!(!takes("a.{b,c.{d,e}}", "a.d"));
    }

    #[test]
    fn a_backslash_takes_the_next_character_literally() {
        assert!(takes(r"a\*", "a*"));
        assert!(!takes(r"a\*", "ab"));
    }

    #[test]
    fn a_comma_outside_braces_is_a_comma() {
        assert!(takes("a,b*", "a,bc"));
    }

    #[test]
    fn a_hostile_tag_costs_no_more_than_its_length() {
        // A backtracking matcher would not come back from this.
        assert!(!takes(
            &"*a".repeat(30),
            &"a".repeat(20_000).replace("aa", "ab")
        ));
    }

    proptest! {
        #[test]
        fn a_glob_without_look_ahead_agrees_with_its_regex(
            pattern in "[ab.]{0,4}(\\*[ab]?|\\{a,b\\*\\}|\\{[ab]{0,2},[ab.]{0,2}[ab]\\}){1,3}[ab]{0,2}",
            tag in "[ab.]{0,10}",
        ) {
            prop_assume!(!pattern.contains("**"));
            let regex = pattern.replace('.', r"\.").replace('*', r"[^.]*")
                .replace('{', "(?:").replace(',', "|").replace('}', ")");
            let regex = regex_lite::Regex::new(&format!(r"\A{regex}\z")).unwrap();
            prop_assert_eq!(takes(&pattern, &tag), regex.is_match(&tag));
        }
    }
}
