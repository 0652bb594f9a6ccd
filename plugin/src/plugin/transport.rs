//! What the host says of the song, as far as it is to be believed.

use idm_engine::midi_file::TimeSignature;
use nice_plug::prelude::*;

use crate::song::Tempo;

/// Sample of the song with which the block begins, while the transport runs and if the host
/// tells samples or seconds. Real-time safe.
pub(super) fn song_sample(transport: &Transport) -> Option<i64> {
    // Never worked out from beats and the tempo of now, which may have been another before.
    let of_seconds = |seconds: f64| (seconds * f64::from(transport.sample_rate)).round() as i64;
    let told = transport.pos_samples;
    let is_place = |seconds: &f64| seconds.is_finite();
    let told = told.or_else(|| transport.pos_seconds.filter(is_place).map(of_seconds));
    told.filter(|_| transport.playing)
}

/// What the host says of the song's beats at the beginning of the block. Real-time safe.
pub(super) fn tempo(transport: &Transport) -> Option<Tempo> {
    let (beats, unit) = (transport.time_sig_numerator, transport.time_sig_denominator);
    Some(Tempo {
        // Never worked out from the tempo of now, which may have been another before.
        beat: transport.pos_beats,
        bpm: transport.tempo?,
        signature: beats
            .zip(unit)
            .and_then(|(beats, unit)| TimeSignature::new(beats, unit)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_that_the_host_tells_and_never_worked_out_from_beats() {
        let mut transport = Transport::new(48_000.0);
        (transport.playing, transport.tempo) = (true, Some(90.0));
        transport.pos_beats = Some(6.0);
        assert_eq!(song_sample(&transport), None);
        transport.pos_seconds = Some(2.5);
        assert_eq!(song_sample(&transport), Some(120_000));
        transport.pos_seconds = Some(f64::NAN);
        assert_eq!(song_sample(&transport), None);
        transport.pos_samples = Some(120_001);
        assert_eq!(song_sample(&transport), Some(120_001));
        transport.playing = false;
        assert_eq!(song_sample(&transport), None);
    }
}
