//! Whether what was counted is near enough to what was accepted.

use anyhow::bail;

use crate::case::Case;

/// So much more is too much.
const TOLERANCE: f64 = 0.05;

/// What has become of the cases so far.
#[derive(Default)]
pub(crate) struct Verdict {
    dearer: Vec<String>,
    cheaper: bool,
}

impl Verdict {
    /// Takes note of a case; a line that says what came of it.
    pub(crate) fn note(&mut self, case: Case, accepted: f64, found: f64) -> String {
        let change = found / accepted - 1.0;
        let percent = 100.0 * change;
        if change > TOLERANCE {
            self.dearer.push(format!("{case} by {percent:.1} %"));
        }
        self.cheaper |= change < -TOLERANCE;
        format!(
            "{case}: {found:.0} instructions an event, accepted {accepted:.0} ({percent:+.1} %)"
        )
    }

    /// What is left to say, if anything.
    ///
    /// # Errors
    /// A case costs more than it may.
    pub(crate) fn into_result(self) -> anyhow::Result<Option<String>> {
        const ACCEPT: &str = "`.ci/run instructions-accept` makes these figures the accepted ones";
        let percent = 100.0 * TOLERANCE;
        if !self.dearer.is_empty() {
            let dearer = self.dearer.join(", ");
            bail!("dearer by more than {percent:.0} %: {dearer}. If that is meant to be, {ACCEPT}");
        }
        let remark = format!("cheaper by more than {percent:.0} %: to keep it so, {ACCEPT}");
        Ok(self.cheaper.then_some(remark))
    }
}
