import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const INSTALL_MS = 900_000

/** Packages of a peer that nothing else here needs, and that must be compiled: they are installed when they are measured, and kept for the next time. */
export interface PeerPackages {
  /** Of their folder. */
  readonly name: string
  /** `name@version`. */
  readonly packages: readonly string[]
  /** Those that have to be compiled on this machine. */
  readonly compiled: readonly string[]
}

const folderOf = ({ name }: PeerPackages) => join(tmpdir(), `seaworthy-bench-${name}`)

/** Installs them, where they are not yet. @returns what is missing for that, as a metric says it; undefined when they are there */
export async function installPeer(peer: PeerPackages): Promise<string | undefined> {
  const folder = folderOf(peer)
  const stamp = join(folder, 'installed')
  const wanted = peer.packages.join(' ')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return undefined
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  try {
    const options = { cwd: folder, timeout: INSTALL_MS, env: { ...process.env, ...ownHeaders() } }
    // What they ask of each other is not always in the registry: what is installed is said in the metric's note.
    await run('npm', ['install', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', ...peer.packages], options)
    await run('npm', ['rebuild', ...peer.compiled], options)
  } catch (error) {
    return `${wanted} cannot be installed: npm's registry and a C++ compiler are needed (Debian: g++, make, python3). ${String(error).slice(0, 300)}`
  }
  writeFileSync(stamp, wanted)
  return undefined
}

/** Loads one of them, after it was installed. The caller knows what it exports. */
export async function importPeer<Module>(peer: PeerPackages, name: string): Promise<Module> {
  const { resolve } = createRequire(join(folderOf(peer), 'package.json'))
  return (await import(pathToFileURL(resolve(name)).href)) as Module
}

/** Node's own headers, which came with it: else they would be fetched from where no registry is. */
function ownHeaders(): Readonly<Record<string, string>> {
  const home = dirname(dirname(process.execPath))
  return existsSync(join(home, 'include/node')) ? { npm_config_nodedir: home } : {}
}
