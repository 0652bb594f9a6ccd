use super::{hits::may_be_hit, *};
use crate::{
    drum::Drum,
    front_end::STAGES,
    transcriber::{GivenHit, Verdict},
};

#[test]
fn in_silence_nothing_rings_on_and_no_hit_waits() {
    let framing = Framing::for_rate(8_000.0).unwrap();
    let model = Model::embedded().unwrap();
    let quality = Quality::Low;
    let mut work = HopWork::new(framing, quality, &model, Experiment::default()).unwrap();
    let hop = framing.hop_samples;
    let latency_samples = quality.latency_hops() * hop;
    let mut playback = Playback::new(&framing, latency_samples, work.bank().clone());
    work.presence.hit(Drum::Crash);
    work.presence.step(&[0.0; BAND_COUNT], &work.masks);
    assert_eq!(work.presence.gains()[Drum::Crash.index()][5], 1.0);
    let silence = [vec![0.0; hop], vec![0.0; hop]];
    for hops in 0..SILENT_HOPS + 3_000 {
        let onset_sample = hops * hop as u64;
        let hit = GivenHit {
            snaps: false,
            onset_sample,
            drum: Drum::Kick,
            velocity: None,
        };
        assert!(work.give_hit(hit), "hop {hops}");
        assert!(work.remove_hit(onset_sample, Drum::Ride), "hop {hops}");
        work.begin_hop(&silence);
        for stage in 0..STAGES {
            work.run_stage(stage, onset_sample, &mut playback);
        }
    }
    assert!(work.presence.gains()[Drum::Crash.index()][5] < 0.01);
}

#[test]
fn only_what_may_be_a_hit_ends_what_is_learnt_of_the_one_before() {
    for (verdict, confidence, expected) in [
        (Verdict::Accepted, 0.6, true),
        (Verdict::Accepted, 0.1, true),
        (Verdict::BelowThreshold, 0.4, true),
        (Verdict::BelowThreshold, 0.13, false),
        (Verdict::Removed, 0.9, false),
        (Verdict::Disabled, 0.9, false),
    ] {
        let found = may_be_hit(verdict, confidence, 0.5);
        assert_eq!(found, expected, "{verdict:?} {confidence}");
    }
}
