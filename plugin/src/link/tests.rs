use idm_engine::controls::Quality;
use idm_engine::drum::DRUM_COUNT;
use idm_engine::one_shots::Evidence;

use super::*;

fn mark() -> HitMark {
    HitMark::accepted(Drum::Snare, None)
}

#[test]
fn meters_rest_while_nobody_looks_and_hits_are_kept() {
    let (mut audio, mut editor) = link();
    let mut peaks = Peaks::default();
    peaks.stems[1] = 0.5;
    audio.hit(3, mark());
    audio.end_block(64, &peaks, None);
    assert_eq!(editor.hits.pop().unwrap().position, 3);
    assert_eq!(editor.shared.take_stem_peak(1), 0.0);
    assert_eq!(editor.shared.position(), 64);

    editor.shared.window_opened();
    audio.hit(3, mark());
    audio.end_block(64, &peaks, None);
    assert_eq!(editor.hits.pop().unwrap().position, 67);
    assert_eq!(editor.shared.take_stem_peak(1), 0.5);
}

#[test]
fn a_stuck_editor_stops_nothing() {
    let (mut audio, mut editor) = link();
    audio.set_sample_rate(48_000.0);
    editor.shared.window_opened();
    for _ in 0..10_000 {
        audio.hit(0, mark());
        audio.end_block(512, &Peaks::default(), None);
    }
    assert_eq!(editor.hits.slots(), HIT_CAPACITY);
    assert_eq!(editor.hits.pop().unwrap().position, 0);
}

#[test]
fn peaks_hold_until_taken() {
    let (mut audio, editor) = link();
    editor.shared.window_opened();
    for peak in [0.25, 0.75, 0.5] {
        let mut peaks = Peaks::default();
        peaks.stems[4] = peak;
        peaks.main = -1.0;
        audio.end_block(16, &peaks, None);
    }
    assert_eq!(editor.shared.take_stem_peak(4), 0.75);
    assert_eq!(editor.shared.take_stem_peak(4), 0.0);
    assert_eq!(editor.shared.take_main_peak(), 0.0);
}

#[test]
fn an_audition_is_taken_once() {
    let (audio, editor) = link();
    editor.shared.audition(Drum::Ride, 0.6);
    assert_eq!(audio.shared().take_audition(Drum::Kick), None);
    assert_eq!(audio.shared().take_audition(Drum::Ride), Some(0.6));
    assert_eq!(audio.shared().take_audition(Drum::Ride), None);
}

#[test]
fn evidence_arrives_and_forgetting_is_asked_once() {
    let (audio, editor) = link();
    let mut evidence = [Evidence::default(); DRUM_COUNT];
    evidence[4] = Evidence {
        hits: 70_000,
        confidence: 0.625,
        pan: -0.3,
    };
    audio.shared().set_evidence(&evidence);
    assert_eq!(editor.shared.evidence(Drum::HighTom), evidence[4]);
    assert_eq!(editor.shared.evidence(Drum::Kick), Evidence::default());
    assert!(!audio.shared().take_forget());
    editor.shared.ask_to_forget();
    assert!(audio.shared().take_forget());
    assert!(!audio.shared().take_forget());
}

#[test]
fn announcements_arrive() {
    let (audio, editor) = link();
    assert_eq!(editor.shared.status(), Status::Idle);
    let texts = Texts {
        model: "default 0.1.0".into(),
        problem: String::new(),
        model_changes: 0,
    };
    audio.shared().announce(
        Status::Running,
        48_000.0,
        3080,
        Quality::High,
        texts.clone(),
    );
    assert_eq!(editor.shared.status(), Status::Running);
    assert_eq!(editor.shared.sample_rate_hz(), 48_000.0);
    assert_eq!(editor.shared.latency_samples(), 3080);
    assert_eq!(editor.shared.quality(), Quality::High);
    assert_eq!(editor.shared.texts(), texts);
    audio.shared().announce_idle();
    assert_eq!(editor.shared.status(), Status::Idle);
}

#[test]
fn clicks_while_nothing_is_processed_are_not_played_later() {
    let (audio, editor) = link();
    editor.shared.audition(Drum::Kick, 0.5);
    audio.shared().drop_auditions();
    assert_eq!(audio.shared().take_audition(Drum::Kick), None);
    editor.shared.audition(Drum::Kick, 0.5);
    assert_eq!(audio.shared().take_audition(Drum::Kick), Some(0.5));
}
