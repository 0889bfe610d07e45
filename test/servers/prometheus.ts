import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installDebianPackages } from './debian.ts'
import { onFreePorts, startServer } from './server-process.ts'

/** A real Prometheus of this process alone, on loopback. It ends with the process, however that ends. */
export interface PrometheusServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** Ends it at once and removes its data. */
  readonly stop: () => Promise<void>
}

const MISSING =
  'Prometheus is not installed here. Debian: apt-get install --no-install-recommends prometheus. macOS: brew install prometheus.'

const isInstalled = () => ['prometheus', 'promtool'].every((program) => spawnSync(program, ['--version']).status === 0)

/** Installs Debian's package, if this is Debian and root asks, without starting its service. @throws Error that says what to install */
export async function installPrometheus(): Promise<void> {
  if (!isInstalled()) installDebianPackages(['prometheus'], MISSING)
}

/** Starts one with these files, of which `prometheus.yml` is its configuration. @param features those of Prometheus' own that are to be enabled: `exemplar-storage` */
export async function startPrometheus(
  files: Readonly<Record<string, string>>,
  features: readonly string[] = [],
): Promise<PrometheusServer> {
  return onFreePorts(1, {
    start: async ([port]) => {
      const directory = mkdtempSync(join(tmpdir(), 'seaworthy-prometheus-'))
      for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
      const server = await startServer({
        name: 'Prometheus',
        command: [
          'prometheus',
          '--config.file=prometheus.yml',
          '--storage.tsdb.path=data',
          `--web.listen-address=127.0.0.1:${port}`,
          ...features.map((feature) => `--enable-feature=${feature}`),
        ],
        directory,
        endSignal: 'KILL',
        isReady: (line) => line.includes('Server is ready to receive web requests'),
      })
      return { url: `http://127.0.0.1:${port}`, stop: () => server.stop() }
    },
    isTaken: (message) => message.includes('address already in use'),
  })
}

export interface PromtoolInput {
  /** Written to a folder of its own, in which it runs. */
  readonly files?: Readonly<Record<string, string>>
  readonly stdin?: string
}

/** Runs `promtool`. @returns what it printed, and its exit code */
export function promtool(
  args: readonly string[],
  { files = {}, stdin = '' }: PromtoolInput,
): { readonly status: number | null; readonly printed: string } {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-promtool-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: directory, input: stdin, encoding: 'utf8' })
    return { status, printed: `${stdout}${stderr}` }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
