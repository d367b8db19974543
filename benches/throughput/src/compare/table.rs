//! The findings as tables in Markdown.

use std::io::{self, Write};

use super::contender::FLOOR;
use super::{Findings, Measurement};
use crate::load::Report;
use crate::spread::Spread;
use crate::work::Work;

/// Writes a table for each kind of work: medians of all rounds, and the ratios to the floor in
/// the same round as median (least–greatest).
pub(super) fn write(out: &mut impl Write, findings: &Findings) -> io::Result<()> {
    let all = &findings.measurements;
    let sync = findings.sync_microseconds;
    writeln!(
        out,
        "fdatasync after 600 bytes on this disk: p50 {sync:.0} µs"
    )?;
    for work in Work::ALL {
        let of_work: Vec<&Measurement> = all.iter().filter(|m| m.work == *work).collect();
        if !of_work.is_empty() {
            write_work(out, *work, &of_work)?;
        }
    }
    writeln!(
        out,
        "\nFigures are medians of the rounds; a ratio is made of two figures of one round, and \
         told as median (least–greatest). `load busy` is the part of the time in which the load's \
         threads worked: far below 100 % the server is what limits the rate."
    )?;
    if rounds(all) < 2 {
        writeln!(
            out,
            "\nOne round says nothing about a ratio: none is given."
        )?;
    }
    Ok(())
}

fn write_work(out: &mut impl Write, work: Work, of_work: &[&Measurement]) -> io::Result<()> {
    writeln!(out, "\n### {work}\n")?;
    writeln!(
        out,
        "| server | requests/s | events/s | CPU µs an event | p50 µs | p99 µs | p99.9 µs | RSS MiB | load busy \
         | CPU × floor | rate × floor | p50 × floor |"
    )?;
    writeln!(
        out,
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )?;
    for server in servers(of_work) {
        let row = Row { of_work, server };
        let requests = row.median(|r| Some(r.requests_per_second()));
        let rate = row.median(|r| Some(r.events_per_second()));
        let cpu = row.median(Report::server_microseconds_an_event);
        let p50 = row.median(|r| Some(r.latency.p50));
        let p99 = row.median(|r| Some(r.latency.p99));
        let p999 = row.median(|r| Some(r.latency.p999));
        let memory = row.median(Report::server_mebibytes);
        let busy = 100.0 * row.median(|r| Some(r.load_busy));
        write!(
            out,
            "| {server} | {requests:.0} | {rate:.0} | {cpu:.2} | {p50:.0} | {p99:.0} | {p999:.0} | {memory:.0} | {busy:.0} %"
        )?;
        let ratios = [
            row.ratio(Report::server_microseconds_an_event),
            row.ratio(|r| Some(r.events_per_second())),
            row.ratio(|r| Some(r.latency.p50)),
        ];
        for ratio in ratios {
            write!(
                out,
                " | {}",
                ratio.map_or("–".to_owned(), |ratio| ratio.to_string())
            )?;
        }
        writeln!(out, " |")?;
    }
    write_busy_loads(out, of_work)?;
    write_failures(out, of_work)
}

/// A load that was busy all the time may have been what limited the rate.
fn write_busy_loads(out: &mut impl Write, of_work: &[&Measurement]) -> io::Result<()> {
    const TOO_BUSY: f64 = 0.9;

    for server in servers(of_work) {
        let row = Row { of_work, server };
        let busy = row.median(|r| Some(r.load_busy));
        if busy > TOO_BUSY {
            let busy = 100.0 * busy;
            writeln!(
                out,
                "\n{server}: the load was busy {busy:.0} % of the time, so the rate may be the load's own"
            )?;
        }
    }
    Ok(())
}

/// A request that failed makes the figures doubtful, so it is not passed over.
fn write_failures(out: &mut impl Write, of_work: &[&Measurement]) -> io::Result<()> {
    for Measurement {
        server,
        round,
        report,
        ..
    } in of_work
    {
        for (kind, count) in &report.failures {
            writeln!(
                out,
                "\n{server}, round {round}: {count} requests failed: {kind}"
            )?;
        }
    }
    Ok(())
}

fn rounds(measurements: &[Measurement]) -> usize {
    measurements.iter().map(|m| m.round).max().unwrap_or(0)
}

/// In the order in which they were measured.
fn servers<'a>(of_work: &[&'a Measurement]) -> Vec<&'a str> {
    let first = of_work.iter().filter(|m| m.round == 1);
    first.map(|m| m.server.as_str()).collect()
}

/// One server's figures, and the floor's beside it.
struct Row<'a> {
    of_work: &'a [&'a Measurement],
    server: &'a str,
}

impl Row<'_> {
    fn median(&self, figure: impl Fn(&Report) -> Option<f64>) -> f64 {
        let figures = self.of(self.server).filter_map(|m| figure(&m.report));
        Spread::of(figures).map_or(f64::NAN, |spread| spread.middle)
    }

    /// To the floor in the same round; none for the floor itself, nor from a single round.
    fn ratio(&self, figure: impl Fn(&Report) -> Option<f64>) -> Option<Spread> {
        if self.server == FLOOR || self.of(self.server).count() < 2 {
            return None;
        }
        let pairs = self.of(self.server).filter_map(|mine| {
            let floor = self.of(FLOOR).find(|m| m.round == mine.round)?;
            Some(figure(&mine.report)? / figure(&floor.report)?)
        });
        Spread::of(pairs)
    }

    fn of(&self, server: &str) -> impl Iterator<Item = &Measurement> {
        let of_work = self.of_work.iter().copied();
        of_work.filter(move |m| m.server == server)
    }
}
