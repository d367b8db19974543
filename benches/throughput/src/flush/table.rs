//! The findings as a table in Markdown.

use std::io::{self, Write};

use super::{Measurement, Packer};
use crate::spread::Spread;

/// A figure of a measurement.
type Figure = fn(&Measurement) -> f64;

/// Medians with the least and the greatest, and ratios to the library in the same round.
pub(super) fn write(out: &mut impl Write, all: &[Measurement]) -> io::Result<()> {
    writeln!(
        out,
        "| packs | MB/s | CPU ms a MB | store's CPU s | speed × library | CPU × library |\n\
         | --- | --- | --- | --- | --- | --- |"
    )?;
    for packer in [Packer::Gzip, Packer::OneThread, Packer::TwoThreads] {
        let spread = |figure: Figure| text(Spread::of(of(all, packer).map(figure)));
        let ratio = |figure: Figure| text(ratio(all, packer, Packer::Gzip, figure));
        let (speed, cost) = (spread(Measurement::speed), spread(Measurement::cost));
        let store = spread(|m| m.store_cpu_seconds);
        let (faster, dearer) = (ratio(Measurement::speed), ratio(Measurement::cost));
        writeln!(
            out,
            "| {packer} | {speed} | {cost} | {store} | {faster} | {dearer} |"
        )?;
    }
    let both = ratio(
        all,
        Packer::TwoThreads,
        Packer::OneThread,
        Measurement::speed,
    );
    writeln!(
        out,
        "\nTwo flush threads are {} × as fast as one.",
        text(both)
    )
}

fn of(all: &[Measurement], packer: Packer) -> impl Iterator<Item = &Measurement> {
    all.iter().filter(move |m| m.packer == packer)
}

/// In each round by itself; none from a single round, nor of one to itself.
fn ratio(all: &[Measurement], packer: Packer, other: Packer, figure: Figure) -> Option<Spread> {
    if packer == other || of(all, packer).count() < 2 {
        return None;
    }
    Spread::of(of(all, packer).filter_map(|mine| {
        let theirs = of(all, other).find(|m| m.round == mine.round)?;
        Some(figure(mine) / figure(theirs))
    }))
}

fn text(spread: Option<Spread>) -> String {
    spread.map_or("–".to_owned(), |spread| spread.to_string())
}
