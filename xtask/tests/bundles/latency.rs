//! The reported latency is the true one, to the sample.

use xtask::{analysis, demo_loop};

use super::{FORMATS, open_with, render_at};

/// Quality in the plugin's words, and its promised limit.
const QUALITIES: [(&str, f64); 3] = [("Low latency", 36.0), ("Standard", 75.0), ("High", 200.0)];

#[test]
fn every_bus_is_late_by_exactly_the_reported_latency() {
    for format in FORMATS {
        for rate_hz in [44_100.0, 48_000.0, 96_000.0] {
            let input = demo_loop::render(rate_hz)
                .channels
                .map(|channel| channel[..(1.5 * rate_hz) as usize].to_vec());
            let rendering = render_at(open_with(format, &[]).as_mut(), &input, rate_hz, 512);
            let latency = rendering.latency_samples;
            // Half a second with kick, snare and hats.
            let part = (0.4 * rate_hz) as usize..(0.9 * rate_hz) as usize;
            let mut checked = 0;
            for (bus, name) in rendering.bus_names.iter().enumerate() {
                // What carries nothing there has no measurable latency.
                let late = part.start + latency..part.end + latency;
                let heard = [rendering.audio[bus][0][late].to_vec()];
                if analysis::rms_dbfs(&heard) < -60.0 {
                    continue;
                }
                let measured = analysis::measured_latency(
                    &input[0][part.clone()],
                    &rendering.audio[bus][0][part.start..],
                    latency + 600,
                );
                assert_eq!(measured, latency, "{format} at {rate_hz} Hz, {name}");
                checked += 1;
            }
            assert!(
                checked >= 3,
                "{format}: only {checked} buses carry anything"
            );
        }
    }
}

#[test]
fn an_impulse_arrives_when_it_should() {
    for format in FORMATS {
        for rate_hz in [44_100.0, 48_000.0, 96_000.0] {
            for (quality, limit_ms) in QUALITIES {
                let mut host = open_with(format, &[("qual", quality)]);
                let at = 4_321;
                let mut input = [vec![0.0; 30_000], vec![0.0; 30_000]];
                input[0][at] = 0.7;
                input[1][at] = -0.3;
                let rendering = render_at(host.as_mut(), &input, rate_hz, 512);
                let latency = rendering.latency_samples;
                let what = format!("{format} {quality} at {rate_hz} Hz");
                let milliseconds = latency as f64 * 1e3 / rate_hz;
                assert!(milliseconds <= limit_ms, "{what}: {milliseconds} ms");
                assert!(latency > 0, "{what}");
                let sum = analysis::sum_of_buses(&rendering, 1);
                for channel in [&sum[0], &rendering.audio[0][0]] {
                    let peak = channel
                        .iter()
                        .enumerate()
                        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
                        .map(|(sample, _)| sample);
                    assert_eq!(peak, Some(at + latency), "{what}");
                }
            }
        }
    }
}
