// Makes a fresh clone ready to run, and costs next to nothing when it is: installs the locked packages, checks that a Node
// that runs TypeScript is there, and builds the console's pages. Plain JavaScript for Node 20, the oldest that may start it.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')

/** Something the user has to see to: printed without a stack. */
class Problem extends Error {}

function fail(message) {
  throw new Problem(message)
}

function hashOf(files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(root, file))).update('\0')
  return hash.digest('hex')
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** Runs `body` while no other bootstrap of this clone does: two `npm test` at once must not install twice. */
function alone(body) {
  // npm ci empties node_modules, so the lock lies beside it.
  const lock = join(root, '.bootstrap-lock')
  for (let told = false; ; ) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const holder = Number(read(lock))
    if (holder > 0 && !isAlive(holder)) {
      rmSync(lock, { force: true })
      continue
    }
    if (!told) console.log(`Waiting for another installation of this clone (process ${holder}) …`)
    told = true
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }
  try {
    return body()
  } finally {
    rmSync(lock, { force: true })
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** `npm ci`, quietly; what it printed is shown when it fails. */
function install(stamp, wanted) {
  console.log('Installing the locked packages (npm ci) …')
  const npm = process.env.npm_execpath
  const [command, args] = npm === undefined ? ['npm', []] : [process.execPath, [npm]]
  const result = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    encoding: 'utf8',
    shell: npm === undefined && process.platform === 'win32',
    // A user's engine-strict=true would refuse packages for Node 24 under the Node that runs npm.
    env: { ...process.env, npm_config_engine_strict: 'false' },
  })
  if (result.status !== 0) {
    fail(`npm ci failed (exit status ${result.status ?? result.signal}).\n${result.stdout ?? ''}${result.stderr ?? ''}\nCheck the network and npm's settings (npm config list), then run the command again.`)
  }
  mkdirSync(modules, { recursive: true })
  writeFileSync(stamp, wanted)
}

/** A Node that runs the sources: the package for this platform, or the one on the PATH. */
function checkNode() {
  const own = join(modules, '.bin', 'node')
  const candidates = [existsSync(own) ? own : undefined, 'node'].filter(Boolean)
  const seen = []
  for (const candidate of candidates) {
    const version = spawnSync(candidate, ['-v'], { encoding: 'utf8' }).stdout?.trim() ?? ''
    if (Number(/^v(\d+)/.exec(version)?.[1]) >= 24) return
    seen.push(`${candidate} is ${version === '' ? 'not runnable' : version}`)
  }
  fail(
    `Seaworthy's processes need Node 24 or newer, and ${seen.join(', ')}.\n` +
      'On Linux and Windows it is installed as an optional package: do not install with --omit=optional or npm_config_omit=optional; delete node_modules and run the command again.\n' +
      'Elsewhere install Node 24 (nodejs.org) so that `node -v` says v24 or more.',
  )
}

function filesBelow(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return entry.name === 'dist' || entry.name === 'node_modules' ? [] : filesBelow(path)
    return [path]
  })
}

/** The console's pages, built when their sources changed. */
function buildConsole() {
  const sources = 'apps/console/web'
  if (!existsSync(join(root, sources, 'index.html'))) return
  const stamp = join(root, 'apps/console/dist/web/.stamp')
  const wanted = hashOf([...filesBelow(sources), 'package-lock.json'].sort())
  if (read(stamp) === wanted) return
  alone(() => {
    if (read(stamp) === wanted) return
    console.log('Building the console …')
    const node = existsSync(join(modules, '.bin', 'node')) ? join(modules, '.bin', 'node') : 'node'
    const result = spawnSync(node, [join(modules, 'vite/bin/vite.js'), 'build', sources, '--logLevel=warn'], { cwd: root, encoding: 'utf8' })
    if (result.status !== 0) fail(`The console's pages could not be built.\n${result.stdout}${result.stderr}`)
    writeFileSync(stamp, wanted)
  })
}

try {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    fail(`Node ${process.versions.node} is too old. Install Node 20 or newer (nodejs.org), then run the command again.`)
  }
  const stamp = join(modules, '.seaworthy-stamp')
  const wanted = hashOf(['package-lock.json'])
  if (read(stamp) !== wanted) alone(() => read(stamp) !== wanted && install(stamp, wanted))
  checkNode()
  buildConsole()
} catch (error) {
  if (!(error instanceof Problem)) throw error
  console.error(`\n${error.message}\n`)
  process.exitCode = 1
}
