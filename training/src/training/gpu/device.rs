//! The graphics processor: its kernels, its memory, and lists of work for it.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::pin,
    sync::mpsc,
    task::{Context as TaskContext, Poll, Waker},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use wgpu::{
    BindGroupDescriptor, BindGroupEntry, Buffer, BufferBinding, BufferDescriptor, BufferUsages,
    CommandEncoder, CommandEncoderDescriptor, ComputePassDescriptor, ComputePipeline,
    ComputePipelineDescriptor, Device, DeviceDescriptor, Instance, InstanceDescriptor, Queue,
    RequestAdapterOptions, ShaderModuleDescriptor, ShaderRuntimeChecks, ShaderSource,
};

use super::{
    matmul::Form,
    source::{SHARES, source},
};
use crate::network::UNITS;

/// Most parameters of a kernel.
const PARAMETERS: usize = 32;
/// Distance of the parameters of two dispatches: offsets must be multiples of 256 bytes.
const PARAMETER_BYTES: usize = 256;
/// Dispatches per list of work.
const MOST_DISPATCHES: usize = 1_024;
/// Workgroups along the first axis of a long list.
const GROUPS_ACROSS: usize = 16_384;

/// A kernel: an entry point and the bindings that it uses besides the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kernel {
    /// Entry point.
    pub name: &'static str,
    /// Binding numbers, in the order in which buffers are given.
    pub bindings: &'static [u32],
}

/// What the driver answers at once on every system but the web.
fn ready<T>(future: impl Future<Output = T>) -> Result<T> {
    match pin!(future).poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => bail!("the graphics driver does not answer"),
    }
}

/// One step of a list of work.
enum Work {
    Dispatch {
        name: &'static str,
        pipeline: ComputePipeline,
        buffers: Vec<(u32, Buffer)>,
        slot: usize,
        groups: [u32; 3],
    },
    Copy {
        from: Buffer,
        from_bytes: u64,
        to: Buffer,
        to_bytes: u64,
        bytes: u64,
    },
    Clear(Buffer),
}

/// A graphics processor.
pub struct Gpu {
    device: Device,
    queue: Queue,
    name: String,
    pipelines: HashMap<Kernel, ComputePipeline>,
    products: HashMap<Form, ComputePipeline>,
    module: wgpu::ShaderModule,
    parameters: Buffer,
    parameter_bytes: Vec<u8>,
    work: Vec<Work>,
    dispatches: usize,
    /// Seconds and dispatches by kernel, if they are measured.
    profile: Option<Profile>,
}

/// Seconds and dispatches by kernel.
pub type Profile = BTreeMap<&'static str, (f64, usize)>;

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gpu").field("name", &self.name).finish()
    }
}

impl Gpu {
    /// The processor that the system prefers (Vulkan, Metal or Direct3D 12). Allocates.
    ///
    /// # Errors
    /// If there is none, or it is too small for the network.
    pub fn new() -> Result<Gpu> {
        let instance = Instance::new(InstanceDescriptor::new_without_display_handle_from_env());
        let options = RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..RequestAdapterOptions::default()
        };
        let adapter = ready(instance.request_adapter(&options))?.context(
            "no usable graphics processor: expected a driver for Vulkan, Metal or Direct3D 12",
        )?;
        let name = adapter.get_info().name;
        let limits = adapter.limits();
        ensure!(
            limits.max_compute_invocations_per_workgroup as usize >= SHARES * UNITS
                && limits.max_compute_workgroup_size_x as usize >= UNITS,
            "{name}: expected workgroups of {}, found {}",
            SHARES * UNITS,
            limits.max_compute_invocations_per_workgroup
        );
        let descriptor = DeviceDescriptor {
            required_limits: limits,
            memory_hints: wgpu::MemoryHints::Performance,
            ..DeviceDescriptor::default()
        };
        let (device, queue) =
            ready(adapter.request_device(&descriptor))?.context("no graphics device")?;
        let module = trusted(&device, source());
        let parameters = device.create_buffer(&BufferDescriptor {
            label: Some("parameters"),
            size: (MOST_DISPATCHES * PARAMETER_BYTES) as u64,
            usage: BufferUsages::STORAGE | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Ok(Gpu {
            device,
            queue,
            name,
            pipelines: HashMap::new(),
            products: HashMap::new(),
            module,
            parameters,
            parameter_bytes: Vec::new(),
            work: Vec::new(),
            dispatches: 0,
            profile: None,
        })
    }

    /// From now on waits for each dispatch and takes its time; answers what was
    /// measured before.
    pub fn start_profile(&mut self) -> Profile {
        self.profile.replace(Profile::new()).unwrap_or_default()
    }

    /// The processor's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Most values of four bytes that a buffer holds.
    pub fn most_values(&self) -> usize {
        let limits = self.device.limits();
        let bytes = limits
            .max_buffer_size
            .min(limits.max_storage_buffer_binding_size);
        usize::try_from(bytes / 4).unwrap_or(usize::MAX)
    }

    /// Memory for `count` values of four bytes, zeros.
    pub fn buffer(&self, count: usize) -> Buffer {
        self.device.create_buffer(&BufferDescriptor {
            label: None,
            size: (4 * count.max(1)) as u64,
            usage: BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        })
    }

    /// Copies `bytes` to the start of `buffer` before the next list of work. Their
    /// number must be a multiple of four.
    pub fn write(&self, buffer: &Buffer, bytes: &[u8]) {
        self.queue.write_buffer(buffer, 0, bytes);
    }

    fn pipeline(&self, module: &wgpu::ShaderModule, entry: &str) -> ComputePipeline {
        self.device
            .create_compute_pipeline(&ComputePipelineDescriptor {
                label: Some(entry),
                layout: None,
                module,
                entry_point: Some(entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    // Every kernel writes its shared memory before it reads it.
                    zero_initialize_workgroup_memory: false,
                    ..wgpu::PipelineCompilationOptions::default()
                },
                cache: None,
            })
    }

    fn dispatch(
        &mut self,
        name: &'static str,
        pipeline: ComputePipeline,
        buffers: Vec<(u32, Buffer)>,
        parameters: &[u32],
        groups: [usize; 3],
    ) {
        assert!(parameters.len() <= PARAMETERS, "too many parameters");
        assert!(self.dispatches < MOST_DISPATCHES, "too many dispatches");
        let slot = self.dispatches;
        self.dispatches += 1;
        for value in parameters {
            self.parameter_bytes.extend(value.to_le_bytes());
        }
        self.parameter_bytes
            .resize(self.dispatches * PARAMETER_BYTES, 0);
        self.work.push(Work::Dispatch {
            name,
            pipeline,
            buffers,
            slot,
            groups: groups.map(|count| count as u32),
        });
    }

    /// Adds a kernel over `groups` workgroups to the list of work.
    pub fn run(
        &mut self,
        kernel: Kernel,
        parameters: &[u32],
        buffers: &[&Buffer],
        groups: [usize; 3],
    ) {
        assert_eq!(kernel.bindings.len(), buffers.len(), "{}", kernel.name);
        if !self.pipelines.contains_key(&kernel) {
            let made = self.pipeline(&self.module, kernel.name);
            self.pipelines.insert(kernel, made);
        }
        let pipeline = self.pipelines[&kernel].clone();
        let bound = kernel.bindings.iter().copied();
        let buffers = bound.zip(buffers.iter().map(|&b| b.clone())).collect();
        self.dispatch(kernel.name, pipeline, buffers, parameters, groups);
    }

    /// Adds a kernel over `parameters[0]` elements.
    pub fn each(&mut self, kernel: Kernel, parameters: &[u32], buffers: &[&Buffer]) {
        let groups = (parameters[0] as usize).div_ceil(256);
        self.run(kernel, parameters, buffers, spread(groups));
    }

    /// Adds a matrix product with the parameters of [`Form::kernel`].
    pub fn product(
        &mut self,
        form: Form,
        parameters: &[u32; 13],
        [left, right, bias, out]: [&Buffer; 4],
        splits: usize,
    ) {
        if !self.products.contains_key(&form) {
            let module = trusted(&self.device, form.kernel());
            let made = self.pipeline(&module, "main");
            self.products.insert(form, made);
        }
        let pipeline = self.products[&form].clone();
        let buffers = [(1, left), (2, right), (3, bias), (5, out)];
        let buffers = buffers.map(|(at, buffer)| (at, buffer.clone())).to_vec();
        let groups = [
            (parameters[1] as usize).div_ceil(form.tile_columns()),
            (parameters[0] as usize).div_ceil(super::matmul::TILE_ROWS),
            splits,
        ];
        self.dispatch(form.name(), pipeline, buffers, parameters, groups);
    }

    /// Adds a copy of `count` values, from and to the given places.
    pub fn copy(&mut self, from: (&Buffer, usize), to: (&Buffer, usize), count: usize) {
        self.work.push(Work::Copy {
            from: from.0.clone(),
            from_bytes: 4 * from.1 as u64,
            to: to.0.clone(),
            to_bytes: 4 * to.1 as u64,
            bytes: 4 * count as u64,
        });
    }

    /// Adds zeroing of `buffer`.
    pub fn clear(&mut self, buffer: &Buffer) {
        self.work.push(Work::Clear(buffer.clone()));
    }

    /// Does what `encoder` holds and takes its time; answers the next encoder.
    fn measure(&mut self, name: &'static str, encoder: CommandEncoder) -> Result<CommandEncoder> {
        let begin = Instant::now();
        self.queue.submit([encoder.finish()]);
        self.device.poll(wgpu::PollType::wait_indefinitely())?;
        if let Some(profile) = &mut self.profile {
            let (seconds, count) = profile.entry(name).or_default();
            *seconds += begin.elapsed().as_secs_f64();
            *count += 1;
        }
        let descriptor = CommandEncoderDescriptor::default();
        Ok(self.device.create_command_encoder(&descriptor))
    }

    /// Does the list of work and answers `count` values of each of `wanted`. Allocates.
    ///
    /// # Errors
    /// If the device is lost.
    pub fn finish(&mut self, wanted: &[(&Buffer, usize)]) -> Result<Vec<Vec<f32>>> {
        self.queue
            .write_buffer(&self.parameters, 0, &self.parameter_bytes);
        let mut encoder = self
            .device
            .create_command_encoder(&CommandEncoderDescriptor::default());
        let mut list = std::mem::take(&mut self.work).into_iter().peekable();
        while let Some(next) = list.peek() {
            if matches!(next, Work::Dispatch { .. }) {
                let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
                let mut measured = None;
                while let Some(Work::Dispatch {
                    name,
                    pipeline,
                    buffers,
                    slot,
                    groups,
                }) = list.next_if(|work| matches!(work, Work::Dispatch { .. }))
                {
                    let parameters = BindGroupEntry {
                        binding: 0,
                        resource: wgpu::BindingResource::Buffer(BufferBinding {
                            buffer: &self.parameters,
                            offset: (slot * PARAMETER_BYTES) as u64,
                            size: std::num::NonZero::new(PARAMETER_BYTES as u64),
                        }),
                    };
                    let entries: Vec<BindGroupEntry<'_>> = std::iter::once(parameters)
                        .chain(buffers.iter().map(|(binding, buffer)| BindGroupEntry {
                            binding: *binding,
                            resource: buffer.as_entire_binding(),
                        }))
                        .collect();
                    let bound = self.device.create_bind_group(&BindGroupDescriptor {
                        label: None,
                        layout: &pipeline.get_bind_group_layout(0),
                        entries: &entries,
                    });
                    pass.set_pipeline(&pipeline);
                    pass.set_bind_group(0, &bound, &[]);
                    pass.dispatch_workgroups(groups[0], groups[1], groups[2]);
                    if self.profile.is_some() {
                        measured = Some(name);
                        break;
                    }
                }
                drop(pass);
                if let Some(name) = measured {
                    encoder = self.measure(name, encoder)?;
                }
                continue;
            }
            match list.next() {
                Some(Work::Copy {
                    from,
                    from_bytes,
                    to,
                    to_bytes,
                    bytes,
                }) => encoder.copy_buffer_to_buffer(&from, from_bytes, &to, to_bytes, bytes),
                Some(Work::Clear(buffer)) => encoder.clear_buffer(&buffer, 0, None),
                _ => {}
            }
        }
        self.parameter_bytes.clear();
        self.dispatches = 0;
        let hosts: Vec<Buffer> = wanted
            .iter()
            .map(|&(buffer, count)| {
                let bytes = 4 * count as u64;
                let host = self.device.create_buffer(&BufferDescriptor {
                    label: None,
                    size: bytes,
                    usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                });
                encoder.copy_buffer_to_buffer(buffer, 0, &host, 0, bytes);
                host
            })
            .collect();
        self.queue.submit([encoder.finish()]);
        let (sender, receiver) = mpsc::channel();
        for host in &hosts {
            let sender = sender.clone();
            host.map_async(wgpu::MapMode::Read, .., move |mapped| {
                let _ = sender.send(mapped);
            });
        }
        self.device
            .poll(wgpu::PollType::wait_indefinitely())
            .context("the graphics processor does not finish")?;
        hosts
            .iter()
            .map(|host| {
                receiver.recv().context("a result was not mapped")??;
                let bytes = host.get_mapped_range(..)?;
                Ok(bytemuck::pod_collect_to_vec(&bytes))
            })
            .collect()
    }
}

/// Workgroups in two dimensions, at least `groups`.
pub fn spread(groups: usize) -> [usize; 3] {
    let across = groups.clamp(1, GROUPS_ACROSS);
    [across, groups.max(1).div_ceil(across), 1]
}

/// A module without the checks that naga would put into every loop and index.
fn trusted(device: &Device, source: String) -> wgpu::ShaderModule {
    let descriptor = ShaderModuleDescriptor {
        label: None,
        source: ShaderSource::Wgsl(source.into()),
    };
    // SAFETY: every kernel compares its place with sizes that are given with the
    // buffers, which `Buffers` makes from the same sizes; all loops have bounds. The test
    // of this module runs all kernels against the same pass on the central processor.
    #[allow(unsafe_code)]
    unsafe {
        device.create_shader_module_trusted(descriptor, ShaderRuntimeChecks::unchecked())
    }
}
