//! Words about what comes in and what is not heard in it.

use super::*;
use crate::params::HitChoice;

/// A window over a running engine.
pub fn window(width: f32, height: f32) -> Window {
    let mut window = Window::new(width, height);
    let shared = window.audio.shared();
    shared.announce(
        Status::Running,
        48_000.0,
        3080,
        Quality::Standard,
        Texts::default(),
    );
    window.audio.set_sample_rate(48_000.0);
    window.frame(vec![]);
    window
}

/// Lets so many seconds of sound of a height come in.
fn sound(window: &mut Window, seconds: u32, dry: f32) {
    let peaks = Peaks {
        dry,
        ..Peaks::default()
    };
    for n in 0..50 * seconds {
        window.audio.end_block(960, &peaks, None);
        if n % 10 == 0 {
            window.frame(vec![]);
        }
    }
    window.frame(vec![]);
}

fn says(window: &mut Window, what: &str) -> bool {
    window.texts().iter().any(|text| text.contains(what))
}

#[test]
fn without_notes_midi_in_says_that_none_have_come() {
    let mut window = window(1180.0, 760.0);
    let context = GuiContext::new(window.host.clone());
    let params = window.params.clone();
    set(&context.param_setter(), &params.hits, HitChoice::MidiIn);
    sound(&mut window, 3, 0.5);
    assert!(says(&mut window, "hits come from MIDI in"));
    sound(&mut window, 2, 0.5);
    assert!(says(&mut window, "no notes have come in"));
    assert!(says(&mut window, "send notes to this plugin"));
    window.audio.shared().note_of_no_drum(61);
    sound(&mut window, 1, 0.5);
    assert!(says(
        &mut window,
        "notes come in, such as 61, that are on no strip"
    ));
    window.audio.hit(0, ride(1.0));
    sound(&mut window, 1, 0.5);
    assert!(says(&mut window, "hits come from MIDI in"));
    assert!(!says(&mut window, "send notes to this plugin"));
}

#[test]
fn silence_and_sound_without_drums_have_their_words() {
    let hint = "Play the drum track";
    let mut window = window(1180.0, 760.0);
    sound(&mut window, 6, 0.0);
    assert!(says(&mut window, hint));
    sound(&mut window, 2, 0.5);
    assert!(!says(&mut window, hint) && !says(&mut window, "drum bus"));
    sound(&mut window, 3, 0.5);
    assert!(says(&mut window, "No drum is heard in this sound"));
    let refused = HitMark {
        verdict: Verdict::BelowThreshold,
        margin: -0.5,
        ..ride(1.0)
    };
    window.audio.hit(0, refused);
    sound(&mut window, 1, 0.5);
    assert!(says(&mut window, "No hit is sure enough"));
    window.audio.hit(0, ride(2.0));
    sound(&mut window, 1, 0.5);
    assert!(!says(&mut window, "drum bus"));
    sound(&mut window, 6, 0.0);
    assert!(says(&mut window, hint));
    // Without an engine there is nothing to be raised.
    let texts = Texts::default();
    let shared = window.audio.shared();
    shared.announce(Status::PassThrough, 48_000.0, 0, Quality::Standard, texts);
    sound(&mut window, 6, 0.5);
    assert!(!says(&mut window, "drum bus"));
}
