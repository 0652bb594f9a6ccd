//! Where a sound ends, and what is done with one that was cut before it had died away.

/// Magnitude relative to the peak from which a sound is heard: −80 dB.
const HEARD: f32 = 1e-4;
/// The last of a sound, and the most of a short one that this is.
const LAST_S: f64 = 0.03;
const LAST_SHARE: f64 = 0.15;
/// Magnitude relative to the peak that nothing has at its end unless it was cut: −60 dB.
const DIED_AWAY: f32 = 1e-3;

/// Largest magnitude in `channels`.
pub fn peak(channels: &[Vec<f32>]) -> f32 {
    loudest(channels.iter().map(Vec::as_slice))
}

/// Samples up to the last one that is heard; at least one.
pub fn heard_samples(channels: &[Vec<f32>]) -> usize {
    let floor = HEARD * peak(channels);
    let last = |channel: &Vec<f32>| channel.iter().rposition(|sample| sample.abs() > floor);
    let last = channels.iter().filter_map(last).max();
    last.map_or(1, |last| last + 1)
}

/// Fades the last part of a sound out if it is still loud where it ends: it was cut, because a
/// network makes no more, or because another hit came.
pub fn fade_if_cut(channels: &mut [Vec<f32>], rate_hz: f64) {
    let end = heard_samples(channels);
    let fade = (LAST_SHARE * end as f64) as usize;
    let last = ((LAST_S * rate_hz) as usize).min(fade);
    let span =
        |channel: &Vec<f32>| end.min(channel.len()).saturating_sub(last)..end.min(channel.len());
    let at_end = loudest(channels.iter().map(|channel| &channel[span(channel)]));
    if at_end <= DIED_AWAY * peak(channels) {
        return;
    }
    for channel in channels {
        let end = end.min(channel.len());
        for (n, sample) in channel[..end].iter_mut().rev().take(fade).enumerate() {
            *sample *= n as f32 / fade as f32;
        }
    }
}

fn loudest<'a>(parts: impl Iterator<Item = &'a [f32]>) -> f32 {
    parts
        .flatten()
        .fold(0.0, |loudest, sample| sample.abs().max(loudest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 44_100.0;

    /// A tone that has fallen by `fallen_db` after `seconds`, and silence behind it.
    fn tone(seconds: f64, fallen_db: f32) -> Vec<Vec<f32>> {
        let length = (seconds * RATE_HZ) as usize;
        let mut tone: Vec<f32> = (0..length)
            .map(|n| {
                let level_db = -fallen_db * n as f32 / length as f32;
                (n as f32 * 0.3).sin() * 10.0_f32.powf(level_db / 20.0)
            })
            .collect();
        tone.resize(length + 300, 0.0);
        vec![tone.clone(), tone]
    }

    #[test]
    fn a_sound_that_was_cut_fades_and_one_that_died_away_stays() {
        for seconds in [0.04, 0.2, 3.0] {
            let (cut, whole) = (tone(seconds, 39.0), tone(seconds, 75.0));
            let mut faded = cut.clone();
            fade_if_cut(&mut faded, RATE_HZ);
            let end = (seconds * RATE_HZ) as usize;
            let at = |share: f64| (share * end as f64) as usize;
            for (faded, cut) in faded.iter().zip(&cut) {
                assert_eq!(faded[..at(0.84)], cut[..at(0.84)]);
                let rest = |channel: &[f32]| peak(&[channel[at(0.98)..end].to_vec()]);
                assert!(rest(faded) < 0.15 * rest(cut), "{seconds}");
                assert_eq!(faded.len(), cut.len());
            }
            let mut kept = whole.clone();
            fade_if_cut(&mut kept, RATE_HZ);
            assert_eq!(kept, whole);
        }
    }

    #[test]
    fn silence_and_single_samples_are_left_alone() {
        for samples in [vec![], vec![0.0; 100], vec![1.0]] {
            let mut channels = vec![samples];
            let before = channels.clone();
            fade_if_cut(&mut channels, RATE_HZ);
            assert_eq!(channels, before);
        }
    }
}
