//! How many files and sockets the process may have open.

use std::num::NonZeroUsize;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many files and sockets the process may have open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// `RLIMIT_NOFILE`; `u64::MAX` for no limit.
    pub limit: u64,
}

impl Descriptors {
    /// Raises the limit as far as the system lets everybody, and tells what it is then.
    ///
    /// The usual soft limit of 1024 is there for programs that use `select`; this is none.
    pub fn raise() -> Self {
        let before = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: before.maximum,
            maximum: before.maximum,
        };
        let now = match setrlimit(Resource::Nofile, raised) {
            Ok(()) => raised,
            // Where "no limit" is more than the kernel allows for files.
            Err(_refused) => before,
        };
        let limit = now.current.unwrap_or(u64::MAX);
        Self { limit }
    }

    /// The limit as it is.
    pub fn now() -> Self {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self { limit }
    }

    /// How many files may be kept open only because they may be needed again, `wanted` at
    /// most.
    pub fn kept_open(self, wanted: NonZeroUsize) -> NonZeroUsize {
        let share = usize::try_from(self.limit / 8).unwrap_or(usize::MAX);
        NonZeroUsize::new(share)
            .unwrap_or(NonZeroUsize::MIN)
            .min(wanted)
    }

    /// How many connections each of so many listeners may have, so that a quarter of all, and
    /// 256 as far as that is not half, are left for chunks and for what delivers them.
    pub fn connections_for(self, listeners: usize) -> usize {
        const FILES: u64 = 256;
        let others = FILES.min(self.limit / 2).max(self.limit / 4);
        let listeners = (listeners as u64).max(1);
        let each = (self.limit - others) / listeners;
        usize::try_from(each).unwrap_or(usize::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_files() {
        let each = |limit, listeners| Descriptors { limit }.connections_for(listeners);
        assert_eq!(each(1024, 1), 768);
        assert_eq!(each(1024, 2), 384);
        assert_eq!(each(256, 1), 128);
        assert_eq!(each(20_000, 1), 15_000);
        assert_eq!(each(0, 1), 1);
        assert!(each(u64::MAX, 1) > 1_000_000);
    }
}
