//! A host with a window, for looking at the editor: it embeds the editor into
//! an X11 window of its own, plays audio meanwhile, clicks, resizes and takes
//! pictures. It needs an X server; [`crate::xvfb`] starts one.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ConfigureWindowAux, ConnectionExt, CreateWindowAux, EventMask, ImageFormat, PropMode,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::clap_editor::ClapEditor;
use super::gui_drag::Source;
pub use super::gui_step::Step;
use super::vst3_automation::Automation;
use super::vst3_editor::Vst3Editor;
use super::{BusAudio, Host, find_parameter};
use crate::{png, workspace};

mod dragging;
mod reopening;

/// Block in which audio is played while the editor is open.
const BLOCK: usize = 512;

/// A window with no more colours than this shows no editor.
pub const FEW_COLOURS: usize = 8;

/// The editor of one plugin instance.
pub(super) trait Editor {
    /// The instance.
    fn host(&mut self) -> &mut dyn Host;

    /// Makes the editor and returns its size in pixels.
    fn create(&mut self) -> Result<(u32, u32)>;

    /// Opens the editor inside an X11 window of that size.
    fn attach(&mut self, window: u32) -> Result<()>;

    /// Closes the editor.
    fn hide(&mut self) -> Result<()>;

    /// Resizes the editor as near to this size as it can; returns the size.
    fn resize(&mut self, width: u32, height: u32) -> Result<(u32, u32)>;

    /// Blocks of the instance that another thread can process, if the format has them.
    fn automation(&mut self) -> Option<Automation> {
        None
    }

    /// Handlers that the plugin has registered with the host.
    fn handler_count(&self) -> usize {
        0
    }

    /// Serves the plugin's requests; returns the window size it wants, if any.
    fn pump(&mut self) -> Option<(u32, u32)>;
}

/// Audio that plays in a loop while the editor is open.
#[derive(Debug)]
struct Playback {
    channels: [Vec<f32>; 2],
    sample_rate_hz: f64,
    position: usize,
    played: usize,
    outputs: BusAudio,
    started: Instant,
}

/// An open editor.
pub struct GuiSession {
    editor: Box<dyn Editor>,
    connection: RustConnection,
    window: u32,
    size: (u32, u32),
    playback: Option<Playback>,
    /// What is held over the editor.
    carried: Option<Source>,
    /// Keys that were pressed in our window.
    keys: Vec<u8>,
    /// Threads of this process before the editor was opened.
    threads_without_editor: usize,
}

impl std::fmt::Debug for GuiSession {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("GuiSession")
            .field("size", &self.size)
            .field("playback", &self.playback.is_some())
            .finish_non_exhaustive()
    }
}

impl GuiSession {
    /// Loads the bundle at `path` and opens its editor. `audio` (stereo, with
    /// its sample rate) plays in a loop meanwhile.
    pub fn open(path: &Path, audio: Option<([Vec<f32>; 2], f64)>) -> Result<Self> {
        let mut editor: Box<dyn Editor> = if path.extension().is_some_and(|end| end == "vst3") {
            Box::new(Vst3Editor::open(path)?)
        } else {
            Box::new(ClapEditor::open(path)?)
        };
        let (connection, screen) = x11rb::connect(None).context("no X server to draw on")?;
        let root = connection
            .setup()
            .roots
            .get(screen)
            .context("the X server has no screen")?;
        let (root_window, visual) = (root.root, root.root_visual);
        let window = connection.generate_id()?;
        connection.create_window(
            x11rb::COPY_DEPTH_FROM_PARENT,
            window,
            root_window,
            0,
            0,
            64,
            64,
            0,
            WindowClass::INPUT_OUTPUT,
            visual,
            &CreateWindowAux::new()
                .background_pixel(0)
                .event_mask(EventMask::KEY_PRESS),
        )?;
        if path.extension().is_some_and(|end| end == "vst3") {
            // Windows of many hosts say that something can be dropped on them.
            let aware = connection.intern_atom(false, b"XdndAware")?.reply()?.atom;
            let (mode, type_) = (PropMode::REPLACE, AtomEnum::ATOM);
            connection.change_property32(mode, window, aware, type_, &[5])?;
        }
        connection.map_window(window)?;
        // The pointer starts in the middle; out of the way it shows no hints.
        let (right, bottom) = (root.width_in_pixels, root.height_in_pixels);
        connection.warp_pointer(
            x11rb::NONE,
            root_window,
            0,
            0,
            0,
            0,
            i16::try_from(right)? - 1,
            i16::try_from(bottom)? - 1,
        )?;
        connection.sync()?;
        let playback = match audio {
            Some((channels, sample_rate_hz)) => {
                editor.host().activate(sample_rate_hz, BLOCK)?;
                Some(Playback {
                    channels,
                    sample_rate_hz,
                    position: 0,
                    played: 0,
                    outputs: BusAudio::new(),
                    started: Instant::now(),
                })
            }
            None => None,
        };
        let mut session = Self {
            editor,
            connection,
            window,
            size: (64, 64),
            playback,
            carried: None,
            keys: Vec::new(),
            threads_without_editor: thread_count(),
        };
        session.show()?;
        Ok(session)
    }

    fn show(&mut self) -> Result<()> {
        let (width, height) = self.editor.create()?;
        self.resize_window(width, height)?;
        self.editor.attach(self.window)
    }

    fn resize_window(&mut self, width: u32, height: u32) -> Result<()> {
        self.size = (width, height);
        let size = ConfigureWindowAux::new().width(width).height(height);
        self.connection.configure_window(self.window, &size)?;
        self.connection.sync()?;
        Ok(())
    }

    /// Size of the window in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Does one step. A step that shows something is followed by the time the
    /// editor needs to draw it.
    pub fn step(&mut self, step: &Step) -> Result<()> {
        let point = |x: &u32, y: &u32| [x.to_string(), y.to_string()];
        match step {
            Step::Wait(seconds) => return self.run(*seconds),
            Step::Click(x, y) | Step::Menu(x, y) => {
                let button = match step {
                    Step::Menu(..) => "3",
                    _ => "1",
                };
                let [x, y] = point(x, y);
                xdotool(&["mousemove", &x, &y])?;
                self.run(0.1)?;
                xdotool(&["mousedown", button])?;
                self.run(0.1)?;
                xdotool(&["mouseup", button])?;
            }
            Step::Drag([x1, y1, x2, y2]) => {
                let ([x1, y1], [x2, y2]) = (point(x1, y1), point(x2, y2));
                xdotool(&["mousemove", &x1, &y1])?;
                self.run(0.1)?;
                xdotool(&["mousedown", "1"])?;
                self.run(0.1)?;
                xdotool(&["mousemove", &x2, &y2])?;
                self.run(0.1)?;
                xdotool(&["mouseup", "1"])?;
            }
            Step::Carry(x, y, path) => {
                let mut source = Source::new(path)?;
                self.carry(&mut source, *x, *y)?;
                // It is held as long as the session lasts.
                self.carried = Some(source);
            }
            Step::Drop(x, y, path) => {
                let mut source = Source::new(path)?;
                self.carry(&mut source, *x, *y)?;
                source.let_go()?;
                self.until("the drop is finished", |_| source.is_finished())?;
            }
            Step::Take(x, y, path) => self.take(*x, *y, path)?,
            Step::Key(keys) => xdotool(&["key", keys])?,
            Step::Layout(name) => {
                workspace::run(Command::new("setxkbmap").args(["-layout", name]))?;
            }
            Step::HostKeys => {
                println!("keys of the host: {:?}", std::mem::take(&mut self.keys));
                return Ok(());
            }
            Step::Value(key) => {
                let host = self.editor.host();
                let parameter = find_parameter(host, key)?;
                println!("value of {key}: {:.6}", host.value(parameter.id)?);
                return Ok(());
            }
            Step::Automate(key) => self.automate(key)?,
            Step::Resources => {
                self.print_resources();
                return Ok(());
            }
            Step::Resize(width, height) => self.resize(*width, *height)?,
            Step::Reopen => {
                self.editor.hide()?;
                self.show()?;
            }
            Step::Picture(path) => return self.picture(path),
        }
        self.run(0.2)
    }

    /// Resizes as a user dragging the window border would.
    pub fn resize(&mut self, width: u32, height: u32) -> Result<()> {
        let (width, height) = self.editor.resize(width, height)?;
        self.resize_window(width, height)
    }

    /// Lets `seconds` of real time pass: audio plays, callbacks are served.
    pub fn run(&mut self, seconds: f64) -> Result<()> {
        let end = Instant::now() + Duration::from_secs_f64(seconds.max(0.0));
        while Instant::now() < end {
            self.play()?;
            if let Some((width, height)) = self.editor.pump() {
                self.resize_window(width, height)?;
            }
            while let Some(event) = self.connection.poll_for_event()? {
                if let Event::KeyPress(event) = event {
                    self.keys.push(event.detail);
                }
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Plays the blocks that are due.
    fn play(&mut self) -> Result<()> {
        let Some(playback) = &mut self.playback else {
            return Ok(());
        };
        let due = (playback.started.elapsed().as_secs_f64() * playback.sample_rate_hz) as usize;
        while playback.played + BLOCK <= due {
            let length = playback.channels[0].len();
            let block: [Vec<f32>; 2] = std::array::from_fn(|channel| {
                (0..BLOCK)
                    .map(|at| playback.channels[channel][(playback.position + at) % length])
                    .collect()
            });
            // The song is the loop, over and over.
            self.editor.host().set_song(Some(playback.position));
            self.editor.host().process(
                &[&block[0], &block[1]],
                &[],
                &mut playback.outputs,
                &mut Vec::new(),
            )?;
            playback.position = (playback.position + BLOCK) % length;
            playback.played += BLOCK;
        }
        Ok(())
    }

    /// The window's pixels: width, height, RGB rows.
    pub fn pixels(&self) -> Result<(u32, u32, Vec<u8>)> {
        let (width, height) = self.size;
        let image = self
            .connection
            .get_image(
                ImageFormat::Z_PIXMAP,
                self.window,
                0,
                0,
                u16::try_from(width)?,
                u16::try_from(height)?,
                u32::MAX,
            )?
            .reply()
            .context("the window cannot be read; is it larger than the screen?")?;
        ensure!(
            image.data.len() == (width * height * 4) as usize,
            "expected 32 bits per pixel"
        );
        let rgb = image
            .data
            .chunks_exact(4)
            .flat_map(|pixel| [pixel[2], pixel[1], pixel[0]])
            .collect();
        Ok((width, height, rgb))
    }

    /// Writes a picture of the window as PNG.
    pub fn picture(&self, path: &Path) -> Result<()> {
        let (width, height, rgb) = self.pixels()?;
        png::write(path, width, height, &rgb)
    }

    /// How many different colours the window shows: 1 means that nothing is
    /// drawn.
    pub fn colours(&self) -> Result<usize> {
        let (_, _, rgb) = self.pixels()?;
        let colours: std::collections::HashSet<&[u8]> = rgb.chunks_exact(3).collect();
        Ok(colours.len())
    }

    /// Lets time pass until something is drawn, at most `seconds`: on a busy
    /// machine the first frame may take a while. Returns the number of colours.
    pub fn wait_until_drawn(&mut self, seconds: f64) -> Result<usize> {
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        loop {
            let colours = self.colours()?;
            if colours > FEW_COLOURS || Instant::now() > end {
                return Ok(colours);
            }
            self.run(0.1)?;
        }
    }

    /// Closes editor and plugin.
    ///
    /// The window library ends its thread and graphics context after the editor
    /// says that it is closed. A process that exits in that instant tears the
    /// graphics libraries down under a running thread, so this waits for it.
    pub fn close(mut self) -> Result<()> {
        self.editor.hide()?;
        let end = Instant::now() + Duration::from_secs(5);
        while thread_count() > self.threads_without_editor && Instant::now() < end {
            self.run(0.02)?;
        }
        if self.playback.is_some() {
            self.editor.host().deactivate()?;
        }
        self.connection.destroy_window(self.window)?;
        self.connection.sync()?;
        Ok(())
    }
}

/// Threads of this process, where the system tells.
fn thread_count() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

fn xdotool(arguments: &[&str]) -> Result<()> {
    workspace::run(Command::new("xdotool").args(arguments))
}
