//! `process` neither allocates nor frees, whatever moves.

mod support;

use std::sync::Arc;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use idm_engine::{
    controls::{Controls, Quality},
    drum::Drum,
    engine::{Events, Stems},
};
use support::{Noise, drum_loop, engine};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn nothing_is_allocated_while_everything_moves() {
    for (rate, quality) in [
        (44_100.0, Quality::Standard),
        (48_000.0, Quality::Low),
        (96_000.0, Quality::High),
    ] {
        let input = drum_loop(rate, 8.0);
        let mut engine = engine(rate, quality);
        let mut stems = Stems::new(4_096);
        let mut events = Events::new(4_096);
        let mut noise = Noise::new(3);
        let sizes = [64, 1, 512, 333, 4_096, 17, 0, 256];
        let (mut done, mut block) = (0, 0);
        let first_bank = Arc::as_ptr(engine.bank());
        let mut hits = 0;
        while done < input[0].len() {
            let end = (done + sizes[block % sizes.len()]).min(input[0].len());
            let mut controls = Controls::default();
            for drum in &mut controls.drums {
                drum.sensitivity = 0.5 + 0.3 * noise.next();
                drum.min_gap_ms = 40.0 + 30.0 * noise.next();
                drum.blend = 0.5 + 0.5 * noise.next();
                drum.tune_semitones = 12.0 * noise.next();
                drum.decay = 0.6 + 0.4 * noise.next();
                drum.dynamics = 1.0 + noise.next();
                drum.isolation = (1.5 * noise.next()).clamp(-1.0, 1.0).round() * noise.next();
                drum.enabled = noise.next() > -0.9;
                let name = (20.0 * noise.next().abs()) as usize;
                drum.heard_as = Drum::from_index(name);
            }
            controls.mask_exponent = 1.5 + 0.5 * noise.next();
            let second = (done as f64 / rate) as usize;
            controls.learning = second % 6 < 5;
            assert_no_alloc(|| {
                engine.set_controls(&controls);
                if block % 97 == 0 {
                    engine.trigger(Drum::ALL[block % 9], 0.7);
                }
                // A user who corrects everything.
                if block % 5 == 0 {
                    engine.give_hit(end - done, Drum::ALL[(block / 5) % 9], None);
                    engine.place_hit(end - done, Drum::ALL[(block / 5 + 2) % 9], None);
                    engine.remove_hit(end - done, Drum::ALL[(block / 5 + 4) % 9]);
                }
                engine.process(
                    [&input[0][done..end], &input[1][done..end]],
                    &mut stems,
                    &mut events,
                );
            });
            hits += events.hits().len();
            done = end;
            block += 1;
        }
        assert!(hits > 10, "{hits} hits");
        let swapped = Arc::as_ptr(engine.bank()) != first_bank;
        assert!(swapped, "the bank was swapped meanwhile");
        let learnt = Drum::ALL.map(|drum| engine.bank().sound(drum).evidence.hits);
        assert!(learnt.iter().any(|&hits| hits > 0), "nothing was learnt");
        assert_no_alloc(|| {
            engine.forget_kit();
            engine.rewind();
            engine.reset();
            engine.reset();
        });
    }
}
