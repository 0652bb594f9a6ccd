//! What people call drums: folders, files and instruments of kits.

use super::Sound;

/// The sound that `text` (a folder, a file without its extension, an
/// instrument) means: a manifest name, or any of the usual spellings and
/// abbreviations (`Bass Drum`, `bd`, `HH closed`, `chh`, `hi tom`, `tom1`,
/// `FT`, `crash L`, …). `None` if it is none that we know. Allocates.
pub fn sound_from_spelling(text: &str) -> Option<Sound> {
    Sound::from_name(text).or_else(|| Spelling::new(text).sound())
}

/// A name in lower case: all letters and digits in a row, and the words.
/// Words end where letters become digits and where case rises.
struct Spelling {
    joined: String,
    words: Vec<String>,
}

impl Spelling {
    fn new(text: &str) -> Spelling {
        let mut words: Vec<String> = Vec::new();
        let mut previous = ' ';
        for c in text.chars() {
            if c.is_alphanumeric() {
                let continues = previous.is_alphanumeric()
                    && previous.is_ascii_digit() == c.is_ascii_digit()
                    && !(previous.is_lowercase() && c.is_uppercase());
                match words.last_mut() {
                    Some(word) if continues => word.extend(c.to_lowercase()),
                    _ => words.push(c.to_lowercase().collect()),
                }
            }
            previous = c;
        }
        Spelling {
            joined: words.concat(),
            words,
        }
    }

    /// Contains one of `parts` anywhere.
    fn has(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.joined.contains(part))
    }

    /// Has one of `words` as a word of its own.
    fn word(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(&word.as_str()))
    }

    /// The most particular names first: a ride bell is also a ride.
    fn sound(&self) -> Option<Sound> {
        let rules: [(Sound, &[&str], &[&str]); 7] = [
            (Sound::Cowbell, &["cowbell"], &["cb"]),
            (Sound::Tambourine, &["tambourine", "tamborine"], &["tamb"]),
            (Sound::Shaker, &["shaker", "maraca", "cabasa"], &[]),
            (Sound::Clap, &["clap"], &["cp"]),
            (
                Sound::SideStick,
                &["sidestick", "sidestk", "crossstick", "xstick", "rimclick"],
                &["xs", "ss"],
            ),
            (Sound::RimShot, &["rimshot"], &["rim", "rs"]),
            (
                Sound::Kick,
                &["kick", "bassdrum"],
                &["bd", "kd", "kik", "bdrum"],
            ),
        ];
        for (sound, parts, words) in rules {
            if self.has(parts) || self.word(words) {
                return Some(sound);
            }
        }
        self.hat()
            .or_else(|| self.tom())
            .or_else(|| self.snare_or_cymbal())
    }

    fn hat(&self) -> Option<Sound> {
        let closed = ["ch", "chh", "hhc", "hc"];
        let open = ["oh", "ohh", "hho", "ho"];
        let pedal = ["ph", "phh", "hhp", "fhh", "hhf"];
        let hat = self.has(&["hihat", "highhat", "hhat"])
            || self.word(&["hh", "hat", "hats", "openhat", "closedhat"])
            || self.word(&closed)
            || self.word(&open)
            || self.word(&pedal);
        if !hat {
            return None;
        }
        Some(
            if self.has(&["pedal", "foot", "chick"]) || self.word(&pedal) {
                Sound::PedalHat
            } else if self.has(&["open", "loose", "half"]) || self.word(&open) || self.word(&["o"])
            {
                Sound::OpenHat
            } else {
                Sound::ClosedHat
            },
        )
    }

    fn tom(&self) -> Option<Sound> {
        // In StemGMD's codes the floor tom is "high floor".
        if self.word(&["ft", "hft", "lt", "flt"]) {
            return Some(Sound::FloorTom);
        }
        if self.word(&["mt", "lmt"]) {
            return Some(Sound::MidTom);
        }
        if self.word(&["ht", "hmt"]) {
            return Some(Sound::HighTom);
        }
        if self.word(&["floor", "floortom"]) {
            return Some(Sound::FloorTom);
        }
        let tom = self.word(&["tom", "toms", "tt", "racktom"])
            || [
                "hi", "high", "mid", "middle", "medium", "low", "lo", "floor",
            ]
            .iter()
            .any(|height| self.has(&[&format!("{height}tom"), &format!("tom{height}")]));
        if !tom {
            return None;
        }
        Some(if self.has(&["mid", "medium"]) {
            Sound::MidTom
        } else if self.word(&["hi", "high", "h", "small"])
            || self.has(&["hitom", "hightom", "tomhi"])
        {
            Sound::HighTom
        } else if self.has(&["low", "floor", "lotom", "tomlo"]) || self.word(&["lo", "l", "large"])
        {
            Sound::FloorTom
        } else {
            match self.number() {
                Some(1) => Sound::HighTom,
                Some(3..=9) => Sound::FloorTom,
                _ => Sound::MidTom,
            }
        })
    }

    /// The number after the word that means tom.
    fn number(&self) -> Option<u32> {
        let at = self
            .words
            .iter()
            .position(|word| word.contains("tom") || word == "tt")?;
        self.words.get(at + 1)?.parse().ok()
    }

    fn snare_or_cymbal(&self) -> Option<Sound> {
        if self.has(&["snare"]) || self.word(&["sd", "sn", "snr"]) {
            return Some(Sound::Snare);
        }
        if self.has(&["ridebell"]) || (self.has(&["ride"]) && self.has(&["bell"])) {
            return Some(Sound::RideBell);
        }
        if self.word(&["rb", "bell"]) {
            return Some(Sound::RideBell);
        }
        if self.word(&["ride", "rides", "rd", "rc", "ridecymbal"]) {
            return Some(Sound::Ride);
        }
        let crash = self.has(&["crash", "splash", "china"])
            || self.word(&["cr", "cc", "cy", "cym", "cymbal", "cymbals"]);
        crash.then_some(Sound::Crash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_spellings_mean_what_they_say() {
        let cases: &[(Sound, &[&str])] = &[
            (
                Sound::Kick,
                &["kick", "Kick_01", "BD", "bd808", "Bass Drum 1", "KickDrum"],
            ),
            (
                Sound::Snare,
                &["sd", "Snare-2", "SN", "snare_v100", "acoustic snare"],
            ),
            (
                Sound::SideStick,
                &["Side Stick", "sidestick", "Snare XStick"],
            ),
            (Sound::RimShot, &["rim", "Snare Rimshot"]),
            (
                Sound::ClosedHat,
                &[
                    "HH closed",
                    "chh",
                    "hi-hat",
                    "HiHat_Closed",
                    "CH",
                    "closed_hat",
                    "ClosedHat",
                ],
            ),
            (Sound::PedalHat, &["Hi Hat Pedal", "hh foot", "PHH"]),
            (
                Sound::OpenHat,
                &["ohh", "open hi-hat", "HH_OHH", "OH", "Hat Open", "OpenHat"],
            ),
            (
                Sound::HighTom,
                &[
                    "tom1", "hi tom", "High Tom", "TT_HMT", "HT", "Tom Hi", "tom 1 v3",
                ],
            ),
            (Sound::MidTom, &["tom2", "Mid Tom", "TT_LMT", "tom"]),
            (
                Sound::FloorTom,
                &[
                    "ft",
                    "Floor Tom",
                    "tom3",
                    "low tom",
                    "TT_HFT",
                    "lo-tom",
                    "Tom Low",
                ],
            ),
            (
                Sound::Crash,
                &[
                    "crash", "Crash L", "cr", "splash", "china", "CY_CR", "cymbal 2",
                ],
            ),
            (Sound::Ride, &["ride", "rd", "Ride 20in", "CY_RD"]),
            (Sound::RideBell, &["Ride Bell", "ridebell", "bell"]),
            (Sound::Cowbell, &["cow bell", "Cowbell"]),
            (Sound::Clap, &["Hand Clap", "cp"]),
            (Sound::Tambourine, &["tamb", "Tambourine"]),
            (Sound::Shaker, &["shaker", "maracas"]),
        ];
        for (sound, spellings) in cases {
            for spelling in *spellings {
                assert_eq!(sound_from_spelling(spelling), Some(*sound), "{spelling}");
            }
        }
    }

    #[test]
    fn other_words_mean_nothing() {
        for text in [
            "",
            "bagpipe",
            "loop",
            "overheads",
            "guitar",
            "readme",
            "custom",
            "bottom",
            "bride",
            "1",
        ] {
            assert_eq!(sound_from_spelling(text), None, "{text}");
        }
    }
}
