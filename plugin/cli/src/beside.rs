//! A sink that works on a thread of its own, while the next samples are rendered.

use std::panic;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use anyhow::{Result, anyhow};

use crate::render::{AudioFormat, Sink, Stretch};

/// Stretches that may wait for the sink.
const WAITING: usize = 16;

/// Calls `work` with a sink that hands everything on to `sink`, in order.
///
/// # Errors
/// What goes wrong with the sink, or else with the work.
pub fn beside<R>(
    sink: &mut (dyn Sink + Send),
    work: impl FnOnce(&mut dyn Sink) -> Result<R>,
) -> Result<R> {
    thread::scope(|scope| {
        let (sent, messages) = mpsc::sync_channel(WAITING);
        let (given_back, used) = mpsc::channel();
        let writer = scope.spawn(move || -> Result<()> {
            for message in messages {
                match message {
                    Message::Begin(format) => sink.begin(format)?,
                    Message::Stretch(mut stems) => {
                        sink.block(&mut stems)?;
                        // Nobody wants the last ones back.
                        let _ = given_back.send(stems);
                    }
                }
            }
            Ok(())
        });
        let mut ahead = Ahead { sent, used };
        let done = work(&mut ahead);
        drop(ahead);
        let written = writer
            .join()
            .unwrap_or_else(|payload| panic::resume_unwind(payload));
        written.and(done)
    })
}

enum Message {
    Begin(AudioFormat),
    Stretch(Stretch),
}

/// What the work sees of the sink.
struct Ahead {
    sent: SyncSender<Message>,
    used: Receiver<Stretch>,
}

impl Ahead {
    fn send(&self, message: Message) -> Result<()> {
        // Why is told by the sink itself.
        let has_ended = |_| anyhow!("the results can no longer be written");
        self.sent.send(message).map_err(has_ended)
    }
}

impl Sink for Ahead {
    fn begin(&mut self, format: AudioFormat) -> Result<()> {
        self.send(Message::Begin(format))
    }

    fn block(&mut self, stems: &mut Stretch) -> Result<()> {
        let used = self.used.try_recv();
        let empty = used.unwrap_or_else(|_| {
            let channels = |stem: &Vec<Vec<f32>>| vec![Vec::new(); stem.len()];
            stems.iter().map(channels).collect()
        });
        self.send(Message::Stretch(std::mem::replace(stems, empty)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: AudioFormat = AudioFormat {
        sample_rate_hz: 48_000.0,
        channels: 1,
        announced_frames: None,
    };

    /// Keeps all samples; fails after so many stretches.
    struct Keeper {
        samples: Vec<f32>,
        formats: usize,
        left: usize,
    }

    impl Sink for Keeper {
        fn begin(&mut self, format: AudioFormat) -> Result<()> {
            assert_eq!(format, FORMAT);
            self.formats += 1;
            Ok(())
        }

        fn block(&mut self, stems: &mut Stretch) -> Result<()> {
            self.left = self.left.checked_sub(1).ok_or(anyhow!("disk full"))?;
            self.samples.extend_from_slice(&stems[0][0]);
            Ok(())
        }
    }

    fn keep(left: usize, work: impl FnOnce(&mut dyn Sink) -> Result<u32>) -> (Keeper, Result<u32>) {
        let mut keeper = Keeper {
            samples: Vec::new(),
            formats: 0,
            left,
        };
        let done = beside(&mut keeper, work);
        (keeper, done)
    }

    fn send_all(sink: &mut dyn Sink) -> Result<u32> {
        sink.begin(FORMAT)?;
        let mut stems = vec![vec![Vec::new()]];
        for n in 0..200 {
            // The sink's own are of the same shape.
            stems[0][0].clear();
            stems[0][0].extend([n as f32, 0.5]);
            sink.block(&mut stems)?;
        }
        Ok(7)
    }

    #[test]
    fn everything_arrives_in_order() {
        let (keeper, done) = keep(usize::MAX, send_all);
        assert_eq!(done.unwrap(), 7);
        let expected = (0..200).flat_map(|n| [n as f32, 0.5]);
        assert_eq!(keeper.samples, expected.collect::<Vec<_>>());
        assert_eq!(keeper.formats, 1);
    }

    #[test]
    fn what_goes_wrong_is_told_by_who_knows() {
        let (_, done) = keep(3, send_all);
        assert_eq!(done.unwrap_err().to_string(), "disk full");
        let (keeper, done) = keep(usize::MAX, |sink| {
            send_all(sink)?;
            Err(anyhow!("interrupted"))
        });
        assert_eq!(done.unwrap_err().to_string(), "interrupted");
        assert_eq!(keeper.samples.len(), 400);
    }
}
