use super::*;
use crate::{
    controls::Quality,
    experiment::Experiment,
    front_end::FrontEnd,
    hop_work::HopWork,
    model::Model,
    one_shots::{DrumSound, LEVEL_FRAMES, OneShot, attack},
    transcriber::{HitEvidence, Verdict},
};

/// Sounds of `frames` samples, all above 0.
fn bank(frames: usize) -> Arc<Bank> {
    let sound: Vec<f32> = (0..frames).map(|n| 0.3 + 0.2 * (n as f32).sin()).collect();
    let shots: Vec<_> = (0..DRUM_COUNT)
        .map(|_| OneShot::new(8_000.0, vec![sound.clone()]).unwrap())
        .collect();
    Arc::new(Bank::new(&shots, 8_000.0).unwrap())
}

#[test]
fn a_bank_that_finds_no_place_is_taken_as_soon_as_there_is_one() {
    let framing = Framing::for_rate(8_000.0).unwrap();
    let mut playback = Playback::new(&framing, 0, bank(4_000));
    let mut refused = 0;
    for _ in 0..10 {
        playback.trigger(Drum::Kick, 1.0);
        playback.swap_bank(bank(4_000));
        refused += usize::from(playback.late[1].is_some());
    }
    assert!(refused > 0, "all places are taken");
    let newest = bank(4_000);
    let retired = playback.swap_bank(newest.clone());
    assert!(
        retired
            .iter()
            .flatten()
            .all(|bank| !Arc::ptr_eq(bank, &newest))
    );
    assert!(
        retired.iter().flatten().count() > 0,
        "outdated before it was played"
    );
    let is_newest = |voices: &Voices| voices.bank().is_some_and(|bank| Arc::ptr_eq(bank, &newest));
    assert!(is_newest(&playback.performance) && !is_newest(&playback.pads));
    playback.retry_bank();
    assert!(!is_newest(&playback.pads), "nothing has ended");
    let mut output = std::array::from_fn(|_| [vec![0.0; 5_000], vec![0.0; 5_000]]);
    playback
        .pads
        .render(0..5_000, &[true; DRUM_COUNT], &mut output);
    let retired = playback.retry_bank();
    assert!(is_newest(&playback.pads));
    assert!(
        retired.iter().any(Option::is_some),
        "the place was another one's"
    );
    assert!(playback.late.iter().all(Option::is_none));
}

/// A hit that begins at sample `onset_sample`.
fn hit(drum: Drum, onset_sample: u64) -> QueuedHit {
    QueuedHit {
        drum,
        onset_sample,
        velocity: 1.0,
        is_velocity_given: false,
        level_velocity: 1.0,
        confidence: 1.0,
        network: 1.0,
        evidence: HitEvidence::default(),
        level: 1.0,
        level_frames: LEVEL_FRAMES,
        verdict: Verdict::Accepted,
    }
}

/// A player from the moment on at which the input's first sample is heard, and what it
/// needs.
struct Stage {
    playback: Playback,
    work: HopWork,
    stems: Stems,
    events: Events,
    /// Samples of the input that were heard.
    heard: u64,
}

impl Stage {
    fn new(frames: usize, controls: &Controls) -> Stage {
        let framing = Framing::for_rate(8_000.0).unwrap();
        let model = Model::embedded().unwrap();
        let experiment = Experiment {
            bank: Some(bank(frames)),
            ..Experiment::default()
        };
        let work = HopWork::new(framing, Quality::Low, &model, experiment).unwrap();
        let latency_samples = Quality::Low.latency_hops() * framing.hop_samples;
        let mut playback = Playback::new(&framing, latency_samples, work.bank().clone());
        playback.set_controls(controls);
        playback.reset(work.bank());
        Stage {
            playback,
            work,
            stems: Stems::new(64),
            events: Events::new(64),
            heard: 0,
        }
    }

    /// The kick of the next `samples` samples, at most a stage.
    fn play(&mut self, samples: usize) -> Vec<f32> {
        self.stems.set_len(samples);
        self.events.clear();
        let span = 0..samples;
        let now = self.heard + self.playback.latency_samples as u64;
        let (stems, events) = (&mut self.stems, &mut self.events);
        let hop = PlayedHop {
            dry: [0, 1].map(|channel| self.work.history(channel, self.playback.latency_samples)),
            stems: self.work.playing(),
            phase: 0,
        };
        self.playback.play(&hop, now, span, stems, events);
        self.heard += samples as u64;
        self.stems.channel(0, 0).to_vec()
    }
}

fn resynthesis() -> Controls {
    let mut controls = Controls::default();
    for drum in &mut controls.drums {
        drum.blend = 1.0;
    }
    controls
}

#[test]
fn a_drum_that_is_switched_off_fades_and_starts_no_more() {
    let mut controls = resynthesis();
    let mut stage = Stage::new(4_000, &controls);
    stage.playback.queue(hit(Drum::Kick, 0), 0);
    stage.playback.queue(hit(Drum::Kick, 200), 0);
    stage.playback.queue(hit(Drum::Snare, 200), 0);
    assert!(stage.play(6).iter().all(|sample| *sample > 0.0));
    assert_eq!(stage.events.hits().len(), 1);
    controls.drums[0].enabled = false;
    stage.playback.set_controls(&controls);
    assert!(stage.play(6).iter().all(|sample| *sample > 0.0), "it fades");
    let mut verdicts = Vec::new();
    while stage.heard < 400 {
        let kick = stage.play(6);
        if stage.heard > 100 {
            assert!(
                kick.iter().all(|sample| *sample == 0.0),
                "at {}",
                stage.heard
            );
        }
        let hits = stage.events.hits().iter();
        verdicts.extend(hits.map(|hit| (hit.drum, hit.verdict)));
    }
    assert_eq!(
        verdicts,
        [
            (Drum::Kick, Verdict::Disabled),
            (Drum::Snare, Verdict::Accepted)
        ]
    );
    // Its pad is for those who want to hear it.
    stage.playback.trigger(Drum::Kick, 1.0);
    assert!(stage.play(6).iter().all(|sample| *sample > 0.0));
}

#[test]
fn which_voice_makes_room_does_not_depend_on_blocks() {
    // Sounds of 20 samples: some have ended within a block when the next ones start, and
    // a sound that has ended makes no other one fade.
    let run = |sizes: &[usize]| {
        let mut stage = Stage::new(20, &resynthesis());
        for n in 0..60 {
            stage.playback.queue(hit(Drum::Kick, 3 * n + n % 2), 0);
        }
        let mut kick = Vec::new();
        for size in sizes.iter().cycle() {
            if kick.len() + size > 240 {
                break;
            }
            kick.extend(stage.play(*size));
        }
        kick.resize(240, 0.0);
        kick
    };
    let single = run(&[1]);
    assert!(single.iter().any(|sample| *sample > 0.0));
    assert_eq!(single, run(&[6]));
    assert_eq!(single, run(&[5, 1, 2, 4]));
}

#[test]
fn dynamics_change_how_far_levels_follow_the_hits() {
    let peaks = |dynamics: f32| {
        let mut controls = resynthesis();
        controls.drums[0].dynamics = dynamics;
        let mut stage = Stage::new(20, &controls);
        for (n, (velocity, level)) in [(0.8, 0.64), (0.4, 0.16)].into_iter().enumerate() {
            let hit = QueuedHit {
                velocity,
                is_velocity_given: false,
                level_velocity: velocity,
                level,
                ..hit(Drum::Kick, 60 * n as u64)
            };
            stage.playback.queue(hit, 0);
        }
        let (mut peaks, mut velocities) = ([0.0_f32; 2], Vec::new());
        while stage.heard < 120 {
            let at = stage.heard as usize / 60;
            let kick = stage.play(6);
            peaks[at] = kick.into_iter().fold(peaks[at], f32::max);
            velocities.extend(stage.events.hits().iter().map(|hit| hit.velocity));
        }
        (peaks[1] / peaks[0], velocities)
    };
    let (alike, velocities) = peaks(0.0);
    assert!((alike - 1.0).abs() < 1e-3, "{alike}");
    assert!((velocities[0] - 0.8).abs() < 1e-6 && (velocities[1] - 0.8).abs() < 1e-6);
    let (heard, velocities) = peaks(1.0);
    assert!((heard - 0.25).abs() < 1e-3, "{heard}");
    assert_eq!(velocities, [0.8, 0.4]);
    let (wide, velocities) = peaks(2.0);
    assert!((wide - 0.0625).abs() < 1e-3, "{wide}");
    assert!((velocities[1] - 0.2).abs() < 1e-6, "{velocities:?}");
}

#[test]
fn a_velocity_that_is_given_went_through_dynamics_already() {
    let told = |is_velocity_given| {
        let mut controls = resynthesis();
        controls.drums[0].dynamics = 0.5;
        let mut stage = Stage::new(20, &controls);
        let hit = QueuedHit {
            velocity: 0.2,
            is_velocity_given,
            ..hit(Drum::Kick, 0)
        };
        stage.playback.queue(hit, 0);
        let mut velocities = Vec::new();
        while stage.heard < 60 {
            stage.play(6);
            velocities.extend(stage.events.hits().iter().map(|hit| hit.velocity));
        }
        velocities
    };
    assert_eq!(told(true), [0.2]);
    let heard = told(false);
    assert!((heard[0] - 0.4).abs() < 1e-6, "{heard:?}");
}

fn ramp() -> Vec<f32> {
    (0..2_000).map(|n| 1.0 + n as f32).collect()
}

/// The kick of a stage whose sound leads by `lead_samples`, after a hit at sample 100 that
/// was queued in time or at sample `queued`.
fn kick_with_lead(lead_samples: f32, tune_semitones: f32, queued: u64) -> (Vec<f32>, Vec<u32>) {
    let mut controls = resynthesis();
    controls.drums[0].tune_semitones = tune_semitones;
    let mut stage = Stage::new(2_000, &controls);
    let mut front_end = FrontEnd::new(Framing::for_rate(8_000.0).unwrap());
    let one_shot = OneShot::new(8_000.0, vec![ramp()]);
    let one_shot = Arc::new(one_shot.unwrap().with_lead(lead_samples / 8_000.0));
    let evidence = crate::one_shots::Evidence::default();
    let kick = DrumSound::new(Drum::Kick, &[(1.0, one_shot)], evidence, &mut front_end);
    let mut sounds = [const { None }; DRUM_COUNT];
    sounds[0] = Some(Arc::new(kick.unwrap()));
    let bank = Arc::new(stage.work.bank().with_sounds(&sounds));
    stage.playback.swap_bank(bank);
    let (mut kick, mut announced) = (Vec::new(), Vec::new());
    while stage.heard < 300 {
        if stage.heard <= queued && queued < stage.heard + 6 {
            let now = stage.heard + stage.playback.latency_samples as u64;
            stage.playback.queue(hit(Drum::Kick, 100), now);
        }
        kick.extend(stage.play(6));
        let hits = stage.events.hits().iter();
        announced.extend(hits.map(|hit| hit.offset + stage.heard as u32 - 6));
    }
    (kick, announced)
}

#[test]
fn a_sound_that_leads_starts_before_the_note() {
    let begins = |kick: &[f32]| kick.iter().position(|sample| *sample != 0.0);
    let (plain, notes) = kick_with_lead(0.0, 0.0, 0);
    assert_eq!((begins(&plain), notes), (Some(100), vec![100]));
    let (early, notes) = kick_with_lead(40.0, 0.0, 0);
    assert_eq!((begins(&early), notes), (Some(60), vec![100]));
    let (late, notes) = kick_with_lead(-40.0, 0.0, 0);
    assert_eq!((begins(&late), notes), (Some(140), vec![100]));
    // An octave lower it takes twice as long to the attack.
    let (low, _) = kick_with_lead(20.0, -12.0, 0);
    let attack = attack(&ramp(), 0, 8_000.0);
    assert!(attack > 5, "{attack}");
    assert_eq!(begins(&low), Some(80 - attack));
}

#[test]
fn a_sound_that_leads_stays_in_time_when_its_hit_is_known_late() {
    let (in_time, _) = kick_with_lead(40.0, 0.0, 0);
    let (late, notes) = kick_with_lead(40.0, 0.0, 66);
    assert_eq!(notes, [100]);
    assert_eq!(late[..66], [0.0; 66]);
    assert_eq!(late[66..], in_time[66..]);
    // So late that its attack would be cut, it comes late instead.
    let attack = attack(&ramp(), 0, 8_000.0);
    let (later, _) = kick_with_lead(40.0, 0.0, 96);
    assert_eq!(later[..96], [0.0; 96]);
    assert_eq!(later[96..], in_time[60 + attack..][..later.len() - 96]);
}

#[test]
fn a_sample_of_the_users_own_takes_the_place_of_the_learnt_attack() {
    let framing = Framing::for_rate(8_000.0).unwrap();
    let mut front_end = FrontEnd::new(framing);
    let sound = |silence: usize, lead_s: f32| {
        let mut samples = vec![0.0; silence];
        samples.extend((0..800).map(|n| (n as f32).cos()));
        let one_shot = OneShot::new(8_000.0, vec![samples]).unwrap();
        Arc::new(one_shot.with_lead(lead_s))
    };
    let mut playback = Playback::new(&framing, 500, bank(800));
    let own = [(Drum::Kick, vec![sound(40, 0.0125)])];
    let own = Arc::new(crate::one_shots::OwnSounds::new(&own, 8_000.0).unwrap());
    assert!(playback.set_own_sounds(&own));
    let place = |playback: &Playback| playback.lead_samples(&hit(Drum::Kick, 0), 0)[0];
    assert_eq!(place(&playback), 100, "what the sample says");
    // The learnt attack is heard 8 samples in, and announced 16 later.
    let evidence = crate::one_shots::Evidence {
        hits: 3,
        ..Default::default()
    };
    let learnt = [(1.0, sound(8, 0.003))];
    let kick = DrumSound::new(Drum::Kick, &learnt, evidence, &mut front_end).unwrap();
    let mut sounds = [const { None }; DRUM_COUNT];
    sounds[0] = Some(Arc::new(kick));
    playback.swap_bank(Arc::new(bank(800).with_sounds(&sounds)));
    assert_eq!(place(&playback), 40 + 16);
}
