//! What is counted.

use std::fmt;

use clap::ValueEnum;

/// A kind of request, and a buffer that takes its events.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// One event a POST into a memory buffer.
    OneMemory,
    /// One event a POST into a file buffer, whose files are in memory.
    OneFile,
    /// 1,000 events a POST into a memory buffer.
    BatchMemory,
}

/// Where the events end up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buffer {
    /// `@type memory`
    Memory,
    /// `@type file`
    File,
}

impl Case {
    /// 1,000 events into a file buffer are not among them: how three threads share out the work
    /// differs by 1 % from run to run.
    pub(crate) const ALL: &[Case] = &[Case::OneMemory, Case::OneFile, Case::BatchMemory];

    /// As it is called on the command line and in the file of accepted figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneMemory => "one-memory",
            Self::OneFile => "one-file",
            Self::BatchMemory => "batch-memory",
        }
    }

    /// In each request.
    pub(crate) fn events(self) -> usize {
        match self {
            Self::OneMemory | Self::OneFile => 1,
            Self::BatchMemory => 1000,
        }
    }

    /// How many are counted: a few seconds of callgrind.
    pub(crate) fn requests(self) -> u64 {
        match self {
            Self::OneMemory | Self::OneFile => 4000,
            Self::BatchMemory => 16,
        }
    }

    pub(crate) fn buffer(self) -> Buffer {
        match self {
            Self::OneMemory | Self::BatchMemory => Buffer::Memory,
            Self::OneFile => Buffer::File,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneMemory => "one event a POST, memory buffer",
            Self::OneFile => "one event a POST, file buffer",
            Self::BatchMemory => "1,000 events a POST, memory buffer",
        })
    }
}
