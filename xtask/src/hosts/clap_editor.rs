//! The editor of a CLAP plugin.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, PluginGui, Window};

use super::Host;
use super::clap::ClapHost;
use super::gui::Editor;

/// A CLAP plugin and its editor extension.
pub(super) struct ClapEditor {
    host: ClapHost,
    gui: PluginGui,
}

impl ClapEditor {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let host = ClapHost::open(path, None)?;
        let gui = host
            .instance
            .plugin_shared_handle()
            .get_extension::<PluginGui>()
            .context("the plugin has no editor")?;
        Ok(Self { host, gui })
    }
}

impl Editor for ClapEditor {
    fn host(&mut self) -> &mut dyn Host {
        &mut self.host
    }

    fn create(&mut self) -> Result<(u32, u32)> {
        let configuration = GuiConfiguration {
            api_type: GuiApiType::X11,
            is_floating: false,
        };
        let handle = self.host.instance.plugin_handle();
        ensure!(
            self.gui.is_api_supported(&handle, configuration),
            "the editor does not support X11 embedding"
        );
        self.gui.create(&handle, configuration)?;
        let size = self
            .gui
            .get_size(&handle)
            .context("the editor does not tell its size")?;
        Ok((size.width, size.height))
    }

    fn attach(&mut self, window: u32) -> Result<()> {
        let handle = self.host.instance.plugin_handle();
        let window = Window::from_x11_handle(window.into());
        #[allow(unsafe_code)]
        // SAFETY: the session keeps its window until the editor is hidden.
        unsafe {
            self.gui.set_parent(&handle, window)?;
        }
        // Some editors are visible without; they refuse this call.
        let _ = self.gui.show(&handle);
        Ok(())
    }

    fn hide(&mut self) -> Result<()> {
        self.gui.destroy(&self.host.instance.plugin_handle());
        Ok(())
    }

    fn resize(&mut self, width: u32, height: u32) -> Result<(u32, u32)> {
        let handle = self.host.instance.plugin_handle();
        ensure!(self.gui.can_resize(&handle), "the editor cannot be resized");
        let wanted = GuiSize { width, height };
        let size = self.gui.adjust_size(&handle, wanted).unwrap_or(wanted);
        self.gui.set_size(&handle, size)?;
        Ok((size.width, size.height))
    }

    fn pump(&mut self) -> Option<(u32, u32)> {
        self.host.pump();
        self.host.requests.take_resize()
    }
}
