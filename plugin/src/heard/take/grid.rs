//! The song's beats from what was heard of them. Where nothing was heard they are such
//! that those that were heard lie where the host counts them.

use idm_engine::midi_file::{Grid, SignatureChange, TempoChange, TimeSignature};

use super::tempo::{SAME_BEATS, Stretch};
use crate::song::Tempo;

/// By how much the tempo between two stretches may differ from theirs before the host's
/// count is not believed: then only the places of the beats are kept, not their numbers.
const PLAUSIBLE: f64 = 4.0;

/// So far before a bar line, in quarter notes, a block may begin that tells of it.
const EARLY_QUARTERS: f64 = 0.02;

/// Beats of the file: from a place on they come at one tempo.
#[derive(Debug, Clone, Copy)]
struct Line {
    from_s: f64,
    beat: f64,
    bpm: f64,
}

impl Line {
    fn beat_at(&self, song_s: f64) -> f64 {
        self.beat + (song_s - self.from_s) * self.bpm / 60.0
    }
}

/// The beats of a song of which these stretches were heard, in order of their places.
/// Allocates.
pub(super) fn grid(stretches: &[Stretch]) -> Grid {
    let begun = stretches.partition_point(|stretch| stretch.to_s < 0.0);
    // What was heard before the beginning is a count-in, if anything.
    let heard = &stretches[begun.min(stretches.len().saturating_sub(1))..];
    let Some(first) = heard.first() else {
        return Grid::default();
    };
    let mut track = BeatTrack::begin(first.tempo.bpm);
    let mut signatures = Vec::new();
    note_signature(&mut signatures, 0.0, first.tempo.signature);
    for stretch in heard.iter().filter(|stretch| stretch.to_s >= 0.0) {
        let stretch = from_beginning(stretch);
        track.add(&stretch);
        let beat = track.line.beat_at(stretch.from_s);
        note_signature(&mut signatures, beat, stretch.tempo.signature);
    }
    Grid {
        tempi: track.tempi,
        signatures,
    }
}

/// Notes the signature that was heard at `beat`. Hosts tell it once a block, and what was
/// heard may begin anywhere: a new one begins with the bar that was on then.
fn note_signature(
    signatures: &mut Vec<SignatureChange>,
    beat: f64,
    signature: Option<TimeSignature>,
) {
    let Some(signature) = signature else {
        return;
    };
    let change = match signatures.last() {
        Some(last) if last.signature == signature => return,
        Some(last) => {
            let bar = last.signature.bar_quarters();
            let bars = ((beat - last.beat + EARLY_QUARTERS) / bar).floor();
            SignatureChange {
                beat: last.beat + bars.max(0.0) * bar,
                signature,
            }
        }
        None => SignatureChange {
            beat: 0.0,
            signature,
        },
    };
    signatures.pop_if(|last| last.beat == change.beat);
    signatures.push(change);
}

/// A stretch without what lies before the song.
fn from_beginning(stretch: &Stretch) -> Stretch {
    let from_s = stretch.from_s.max(0.0);
    Stretch {
        from_s,
        tempo: Tempo {
            beat: stretch.beat_at(from_s),
            ..stretch.tempo
        },
        ..*stretch
    }
}

/// Tempi that lead from stretch to stretch.
#[derive(Debug)]
struct BeatTrack {
    tempi: Vec<TempoChange>,
    /// As the file counts now.
    line: Line,
    /// Up to here that was heard.
    heard_s: f64,
    /// Beats that the file counts more than the host.
    more: f64,
}

impl BeatTrack {
    /// The song begins with beat 0.
    fn begin(bpm: f64) -> Self {
        let (from_s, beat) = (0.0, 0.0);
        Self {
            tempi: vec![TempoChange { time_s: 0.0, bpm }],
            line: Line { from_s, beat, bpm },
            heard_s: 0.0,
            more: 0.0,
        }
    }

    /// Goes on to a later stretch.
    fn add(&mut self, stretch: &Stretch) {
        let (line, next_s, bpm) = (self.line, stretch.from_s, stretch.tempo.bpm);
        let expected = line.beat_at(next_s);
        let beat = stretch.tempo.beat.map_or(expected, |beat| beat + self.more);
        let off = beat - expected;
        if off.abs() > SAME_BEATS
            && let Some(meeting_s) = self.meeting_s(next_s, bpm, off)
        {
            // One change of tempo explains both sides.
            self.turn(meeting_s, bpm);
        } else if off.abs() > SAME_BEATS {
            self.bridge(next_s, beat);
            self.turn(next_s, bpm);
        } else if bpm != line.bpm {
            self.turn(next_s, bpm);
        }
        self.heard_s = stretch.to_s;
    }

    /// Where the line of now meets the next one, which at `next_s` is `off` beats ahead; it
    /// may do so where the first was heard if they cannot be told apart there.
    fn meeting_s(&self, next_s: f64, bpm: f64, off: f64) -> Option<f64> {
        let faster = (bpm - self.line.bpm) / 60.0;
        let meeting_s = next_s - off / faster;
        let is_between = (self.line.from_s..=next_s).contains(&meeting_s);
        let misheard = (self.heard_s - meeting_s).max(0.0) * faster.abs();
        (is_between && misheard <= 2.0 * SAME_BEATS).then_some(meeting_s)
    }

    /// Reaches `beat` at `next_s` by another tempo, where nothing was heard if that matters.
    fn bridge(&mut self, next_s: f64, beat: f64) {
        let is_slight = (beat - self.line.beat_at(next_s)).abs() <= 4.0 * SAME_BEATS;
        let from_s = if is_slight {
            self.line.from_s
        } else {
            self.heard_s.max(self.line.from_s)
        };
        let duration_s = next_s - from_s;
        if duration_s <= 0.0 {
            self.more -= beat - self.line.beat_at(next_s);
            return;
        }
        let usual = self.line.bpm / 60.0 * duration_s;
        let mut beats = beat - self.line.beat_at(from_s);
        if !(usual / PLAUSIBLE..=usual * PLAUSIBLE).contains(&beats) {
            let more = (usual - beats).round();
            self.more += more;
            beats += more;
        }
        if beats <= 0.0 {
            // Time goes on.
            let more = 1.0 + (-beats).floor();
            self.more += more;
            beats += more;
        }
        self.turn(from_s, beats / duration_s * 60.0);
    }

    /// Another tempo from here on.
    fn turn(&mut self, from_s: f64, bpm: f64) {
        let beat = self.line.beat_at(from_s);
        self.line = Line { from_s, beat, bpm };
        self.tempi.pop_if(|last| last.time_s == from_s);
        self.tempi.push(TempoChange {
            time_s: from_s,
            bpm,
        });
    }
}

#[cfg(test)]
mod tests;
