//! `object_size`: how much a chunk has to hold so that its object gets that size.
//!
//! How well events shrink is only known by packing them. So it is learnt from the objects
//! that are put, and before there are any from a packed sample of a chunk that is still open;
//! never in the way of a request. Until then events are taken to shrink as little as they may:
//! an object may turn out too small then, and not too large.

use std::num::NonZeroU64;

/// Samples are packed up to this size, in bytes of their chunk.
pub(super) const SAMPLE: u64 = 8 << 20;
/// What was learnt from more chunks than this, each as large as they are to be, fades.
const REMEMBERED: f64 = 2.0;
/// A sample tells something new if so many times as much is packed as before.
const NEWS: u64 = 4;
/// Less than this is not worth a look, unless objects are to be smaller still.
const LEAST_SAMPLE: u64 = 64 << 10;
/// However little is left of them: no chunk is filled further than this times the object.
const BEST_RATIO: f64 = 1000.0;

/// How large objects are to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectSize {
    /// `object_size`, in bytes.
    pub bytes: u64,
    /// How many times as large as its chunk an object is taken to be before anything is known
    /// of the events.
    pub at_first: NonZeroU64,
}

/// Learns how large objects become.
#[derive(Debug)]
pub(super) struct Sizing {
    wanted: Option<ObjectSize>,
    /// Bytes of chunks that were packed, and of what has become of them.
    chunks: f64,
    objects: f64,
}

impl Sizing {
    pub(super) fn new(wanted: Option<ObjectSize>) -> Self {
        Self {
            wanted,
            chunks: 0.0,
            objects: 0.0,
        }
    }

    /// Goes on for another size; what is known of the events stays known.
    pub(super) fn follow(&mut self, wanted: Option<ObjectSize>) {
        self.wanted = wanted;
    }

    /// A chunk of so many bytes became an object, or a sample, of so many.
    pub(super) fn learn(&mut self, chunk: u64, object: u64) {
        let memory = REMEMBERED * self.fill_to() as f64;
        if self.chunks > memory {
            self.objects *= memory / self.chunks;
            self.chunks = memory;
        }
        self.chunks += chunk as f64;
        self.objects += object as f64;
    }

    /// From so many bytes on a chunk is large enough.
    pub(super) fn fill_to(&self) -> u64 {
        let Some(wanted) = self.wanted else {
            return u64::MAX;
        };
        if self.chunks == 0.0 {
            return self.fill_to_at_first().unwrap_or(u64::MAX).max(1);
        }
        let ratio = (self.objects / self.chunks).max(1.0 / BEST_RATIO);
        // A float that is too large becomes the largest number.
        ((wanted.bytes as f64 / ratio) as u64).max(1)
    }

    fn fill_to_at_first(&self) -> Option<u64> {
        self.wanted.map(|wanted| wanted.bytes / wanted.at_first)
    }

    /// Whether to look at a chunk while the buffer holds so many bytes: how much then. What is
    /// known is from so little that the events of the present may be others.
    pub(super) fn sample(&self, held: u64) -> Option<u64> {
        let least = LEAST_SAMPLE.min(self.fill_to_at_first()? / 2);
        let known = self.chunks as u64;
        let is_news = known < SAMPLE && held >= least.max(known.saturating_mul(NEWS));
        is_news.then_some(SAMPLE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn wanted(bytes: u64) -> Option<ObjectSize> {
        let at_first = NonZeroU64::MIN;
        Some(ObjectSize { bytes, at_first })
    }

    #[test]
    fn before_anything_is_known_nothing_is_taken_to_shrink() {
        assert_eq!(Sizing::new(wanted(200 * MIB)).fill_to(), 200 * MIB);
        assert_eq!(Sizing::new(None).fill_to(), u64::MAX);
    }

    #[test]
    fn what_is_unpacked_on_its_way_is_taken_to_grow() {
        let at_first = NonZeroU64::new(10).unwrap();
        let bytes = 200 * MIB;
        let mut sizing = Sizing::new(Some(ObjectSize { bytes, at_first }));
        assert_eq!(sizing.fill_to(), 20 * MIB);
        sizing.learn(MIB, 4 * MIB);
        assert_eq!(sizing.fill_to(), 50 * MIB);
    }

    #[test]
    fn a_sample_is_wanted_until_enough_is_known() {
        let mut sizing = Sizing::new(wanted(200 * MIB));
        assert_eq!(sizing.sample(LEAST_SAMPLE - 1), None);
        assert_eq!(sizing.sample(LEAST_SAMPLE), Some(SAMPLE));
        sizing.learn(MIB, MIB / 6);
        assert_eq!(sizing.sample(3 * MIB), None);
        assert_eq!(sizing.sample(4 * MIB), Some(SAMPLE));
        sizing.learn(8 * MIB, MIB);
        assert_eq!(sizing.sample(1000 * MIB), None);
        assert_eq!(Sizing::new(None).sample(1000 * MIB), None);
    }

    #[test]
    fn little_objects_of_a_quiet_night_weigh_little() {
        let mut sizing = Sizing::new(wanted(100 * MIB));
        for _ in 0..50 {
            // What is small does not shrink well.
            sizing.learn(2_000, 1_000);
        }
        assert_eq!(sizing.sample(8 * MIB), Some(SAMPLE));
        sizing.learn(8 * MIB, MIB);
        let exact = 800 * MIB;
        let found = sizing.fill_to();
        assert!(found.abs_diff(exact) < exact / 20, "{found}");
    }

    #[test]
    fn what_came_of_nothing_fills_no_chunk_for_ever() {
        let mut sizing = Sizing::new(wanted(MIB));
        sizing.learn(MIB, 0);
        assert_eq!(sizing.fill_to(), 1000 * MIB);
    }

    proptest! {
        /// Events that always shrink alike give objects of the size, from the first one that was
        /// learnt on.
        #[test]
        fn events_that_shrink_alike_give_objects_of_the_size(
            size in 10_000..1_u64 << 33,
            ratio in 0.002..2.0_f64,
            first in 1_000..1_u64 << 32,
        ) {
            let mut sizing = Sizing::new(wanted(size));
            let mut chunk = first;
            for _ in 0..20 {
                sizing.learn(chunk, (chunk as f64 * ratio) as u64);
                chunk = sizing.fill_to();
                let object = chunk as f64 * ratio;
                // A first chunk of a thousand bytes is rounded by a thousandth.
                let off = (object / size as f64 - 1.0).abs();
                prop_assert!(first < 1_000_000 || off < 0.01, "off by {off}");
            }
        }

        /// When events begin to shrink otherwise, the objects are of the size again after
        /// sixteen, however long it was before.
        #[test]
        fn other_events_are_learnt_within_sixteen_objects(
            before in 0.05..1.0_f64,
            after in 0.05..1.0_f64,
            past in 1..200_usize,
        ) {
            let size = 100_000_000;
            let mut sizing = Sizing::new(wanted(size));
            let pack = |sizing: &mut Sizing, ratio: f64| {
                let chunk = sizing.fill_to();
                let object = (chunk as f64 * ratio) as u64;
                sizing.learn(chunk, object);
                object as f64 / size as f64
            };
            for _ in 0..past {
                pack(&mut sizing, before);
            }
            let mut last = 0.0;
            for _ in 0..16 {
                last = pack(&mut sizing, after);
            }
            prop_assert!((0.9..1.1).contains(&last), "{last}");
        }
    }
}
