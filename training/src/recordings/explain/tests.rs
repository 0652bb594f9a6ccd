use super::*;

const FRAMES: usize = 200;

/// Decaying lines: the kick in band 10, the snare in band 90, both in 60.
fn templates(kick_band: usize) -> ClassTemplates {
    let line = |band: usize| {
        let mut values = vec![1e-4; 40 * BAND_COUNT];
        for frame in 0..40 {
            let fall = 0.3 * (-(frame as f32) / 8.0).exp();
            values[frame * BAND_COUNT + band] = fall;
            values[frame * BAND_COUNT + 60] = 0.5 * fall;
        }
        values
    };
    std::array::from_fn(|class| match class {
        0 => line(kick_band),
        1 => line(90),
        _ => vec![1e-4; BAND_COUNT],
    })
}

fn strokes() -> Vec<Stroke> {
    let hits = [
        (5, Drum::Kick),
        (40, Drum::Snare),
        (80, Drum::Kick),
        (80, Drum::Snare),
        (120, Drum::Kick),
        (160, Drum::Kick),
    ];
    hits.map(|(frame, drum)| Stroke { frame, drum }).to_vec()
}

/// Power of the classes' stems of a piece of [`FRAMES`] frames.
fn stems(templates: &ClassTemplates) -> Vec<Vec<f32>> {
    let stem = |class: usize| {
        let mut magnitude = vec![0.0; FRAMES * BAND_COUNT];
        for stroke in strokes()
            .iter()
            .filter(|stroke| stroke.drum.index() == class)
        {
            let at = (stroke.frame - 1) * BAND_COUNT;
            for (sum, value) in magnitude[at..].iter_mut().zip(&templates[class]) {
                *sum += value;
            }
        }
        magnitude.iter().map(|value| value * value).collect()
    };
    (0..2).map(stem).collect()
}

fn error(explanation: &Explanation, stems: &[Vec<f32>], stem: usize) -> f32 {
    let (mut error, mut size) = (0.0, 0.0);
    for frame in 0..FRAMES {
        for band in 0..BAND_COUNT {
            let found = explanation.powers[(frame * STEM_COUNT + stem) * BAND_COUNT + band];
            let expected = stems[stem][frame * BAND_COUNT + band];
            error += (found - expected).abs();
            size += expected;
        }
    }
    error / size
}

#[test]
fn known_templates_give_back_the_stems_and_no_residual() {
    let start = templates(10);
    let stems = stems(&start);
    let mixture: Vec<f32> = (0..stems[0].len())
        .map(|cell| (stems[0][cell].sqrt() + stems[1][cell].sqrt()).powi(2))
        .collect();
    let found = explain(&mixture, &strokes(), &start, &ExplainSettings::default());
    assert!(
        error(&found, &stems, 0) < 0.05,
        "{}",
        error(&found, &stems, 0)
    );
    assert!(
        error(&found, &stems, 1) < 0.05,
        "{}",
        error(&found, &stems, 1)
    );
    let rest: f32 = (0..FRAMES)
        .flat_map(|frame| {
            &found.powers[(frame * STEM_COUNT + RESIDUAL) * BAND_COUNT..][..BAND_COUNT]
        })
        .sum();
    assert!(rest < 0.02 * mixture.iter().sum::<f32>(), "{rest}");
}

#[test]
fn templates_learn_the_kit_and_strange_sounds_go_to_the_residual() {
    // The kick sounds elsewhere than expected, and something unannotated
    // plays in band 120.
    let truth = stems(&templates(14));
    let mut mixture: Vec<f32> = (0..truth[0].len())
        .map(|cell| truth[0][cell] + truth[1][cell])
        .collect();
    for frame in 20..35 {
        for band in 115..125 {
            mixture[frame * BAND_COUNT + band] += 0.001;
        }
    }
    let found = explain(
        &mixture,
        &strokes(),
        &templates(10),
        &ExplainSettings::default(),
    );
    assert!(
        error(&found, &truth, 0) < 0.9,
        "{}",
        error(&found, &truth, 0)
    );
    let kick = &found.templates[0];
    assert!(kick[2 * BAND_COUNT + 14] > 2.0 * kick[2 * BAND_COUNT + 10]);
    let cell = |stem: usize| found.powers[(28 * STEM_COUNT + stem) * BAND_COUNT + 120];
    assert!(
        cell(RESIDUAL) > cell(0) + cell(1),
        "{} {}",
        cell(0),
        cell(RESIDUAL)
    );
}

#[test]
fn no_strokes_no_drums_and_early_strokes_are_cut() {
    let mixture = vec![1e-3; 30 * BAND_COUNT];
    let found = explain(&mixture, &[], &templates(10), &ExplainSettings::default());
    assert!(found.powers[RESIDUAL * BAND_COUNT] > 0.0);
    let early = [
        Stroke {
            frame: 0,
            drum: Drum::Kick,
        },
        Stroke {
            frame: 29,
            drum: Drum::Kick,
        },
    ];
    let found = explain(
        &mixture,
        &early,
        &templates(10),
        &ExplainSettings::default(),
    );
    assert_eq!(found.gains.len(), 2);
    assert!(found.powers.iter().all(|power| power.is_finite()));
}

#[test]
fn strokes_behind_the_last_frame_explain_nothing() {
    let start = templates(10);
    let mixture = vec![0.01; FRAMES * BAND_COUNT];
    let mut strokes = strokes();
    for behind in 0..3 {
        let frame = FRAMES + behind;
        let drum = Drum::Kick;
        strokes.push(Stroke { frame, drum });
    }
    let found = explain(&mixture, &strokes, &start, &ExplainSettings::default());
    assert_eq!(found.powers.len(), FRAMES * STEM_COUNT * BAND_COUNT);
    assert!(found.gains.iter().all(|gain| gain.is_finite()));
}
