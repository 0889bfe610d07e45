// Makes a fresh clone ready to run, and costs next to nothing when it is: installs the locked packages, checks that a Node
// that runs TypeScript is there, and builds the console's pages. Plain JavaScript for Node 20, the oldest that may start it.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_TO_BEGIN = 20
const NODE_TO_RUN = 24

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const ownNode = join(modules, '.bin/node')

/** Something the user has to see to: printed without a stack. */
class Problem extends Error {}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function hashOf(files) {
  const hash = createHash('sha256')
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  return hash.digest('hex')
}

/** A stamp appears whole or not at all. */
function writeStamp(stamp, value) {
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(`${stamp}.${process.pid}`, value)
  renameSync(`${stamp}.${process.pid}`, stamp)
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function tryLock(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** Runs `body` while no other bootstrap of this clone does: two `npm test` at once must not install twice. */
function alone(body) {
  // npm ci empties node_modules, so the lock lies beside it.
  const lock = join(root, '.bootstrap-lock')
  const takeover = `${lock}-takeover`
  for (let waits = 0; !tryLock(lock); waits++) {
    const holder = Number(read(lock))
    // Only who holds the second lock, and then looks again, may remove a dead process's: two who saw the same dead one
    // would otherwise remove first it and then each other's.
    if (holder > 0 && !isAlive(holder) && tryLock(takeover)) {
      try {
        if (Number(read(lock)) === holder) rmSync(lock, { force: true })
      } finally {
        rmSync(takeover, { force: true })
      }
      continue
    }
    if (waits === 5) console.log(`Waiting for another installation of this clone (process ${holder}; if it is none, delete ${lock}*) …`)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  }
  try {
    return body()
  } finally {
    rmSync(lock, { force: true })
  }
}

/** True when npm's own record of node_modules has every package of the lock: someone ran `npm install` by hand. */
function isInstalled() {
  const locked = JSON.parse(read(join(root, 'package-lock.json')) ?? '{}').packages ?? {}
  const present = JSON.parse(read(join(modules, '.package-lock.json')) ?? '{}').packages
  if (present === undefined) return false
  return Object.entries(locked).every(([path, wanted]) => {
    if (path === '') return true
    const found = present[path]
    // Optional packages are there on the platforms that they are for.
    if (found === undefined) return wanted.optional === true || wanted.devOptional === true
    if (!path.startsWith('node_modules/')) return JSON.stringify(found.bin) === JSON.stringify(wanted.bin)
    return found.version === wanted.version && found.integrity === wanted.integrity && found.link === wanted.link
  })
}

/** `npm ci`, quietly; what it printed is shown when it fails. */
function install() {
  console.log('Installing the locked packages (npm ci) …')
  const npm = process.env.npm_execpath
  // Not by the Node inside node_modules, which npm ci deletes while it runs.
  const [command, ...args] = npm === undefined ? ['npm'] : [process.env.npm_node_execpath ?? process.execPath, npm]
  const result = spawnSync(
    command,
    // Named, because NODE_ENV=production or a user's omit would leave out what builds and runs the sources.
    [...args, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: root,
      encoding: 'utf8',
      // A user's engine-strict=true would refuse packages for Node 24 under the Node that runs npm.
      env: { ...process.env, npm_config_engine_strict: 'false' },
    },
  )
  if (result.status === 0) return
  const why = result.error?.message ?? `exit status ${result.status ?? result.signal}`
  throw new Problem(
    `npm ci failed (${why}).\n${result.stdout ?? ''}${result.stderr ?? ''}\n` +
      "Check the network and npm's settings (npm config list), then run the command again.",
  )
}

/** The version of a Node as it says itself, its major number first; null if it cannot be run. */
function versionOf(node) {
  return /^v(\d+)\./.exec(spawnSync(node, ['-v'], { encoding: 'utf8' }).stdout ?? '')
}

/** The first Node on the PATH that is not in this node_modules. */
function foreignNode() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !resolve(folder).startsWith(modules))
  return folders.map((folder) => join(folder, 'node')).find((node) => existsSync(node))
}

/** A Node that runs the sources: the one that npm installed for this platform, or the one on the PATH. @returns its path */
function nodeToRun() {
  const seen = []
  if (existsSync(ownNode)) {
    const version = versionOf(ownNode)
    if (Number(version?.[1]) >= NODE_TO_RUN) return ownNode
    // A binary for another C library, say. In npm's scripts it comes before the PATH's Node and would hide it.
    rmSync(ownNode, { force: true })
    seen.push(`the one that npm installed ${version === null ? 'cannot be run here' : `is ${version.input.trim()}`}`)
  } else seen.push(`npm installed none for ${process.platform}-${process.arch}`)
  const foreign = foreignNode()
  const version = foreign === undefined ? null : versionOf(foreign)
  if (Number(version?.[1]) >= NODE_TO_RUN) return foreign
  seen.push(version === null ? 'the PATH has none' : `the one on the PATH is ${version.input.trim()}`)
  throw new Problem(
    `Seaworthy's processes need Node ${NODE_TO_RUN} or newer, and ${seen.join('; ')}.\n` +
      'On Linux and Windows it comes as an optional package without install scripts: if npm is told to leave optional packages out ' +
      '(npm config get omit), run npm ci --include=optional.\n' +
      `Elsewhere install Node ${NODE_TO_RUN} from nodejs.org, so that node -v says v${NODE_TO_RUN} or more.`,
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
function buildConsole(node) {
  const sources = 'apps/console/web'
  if (!existsSync(join(root, sources, 'index.html'))) return
  // Inside of what is built, so that whoever deletes the one deletes the other.
  const stamp = join(root, 'apps/console/dist/web/.stamp')
  const current = () =>
    hashOf([...filesBelow(sources), 'apps/console/package.json', 'package-lock.json'].toSorted((a, b) => (a < b ? -1 : 1)))
  if (read(stamp) === current()) return
  alone(() => {
    const wanted = current()
    if (read(stamp) === wanted) return
    console.log("Building the console's pages …")
    const arguments_ = [join(modules, 'vite/bin/vite.js'), 'build', sources, '--logLevel=warn']
    const result = spawnSync(node, arguments_, { cwd: root, encoding: 'utf8' })
    if (result.status !== 0) throw new Problem(`The console's pages could not be built.\n${result.stdout ?? ''}${result.stderr ?? ''}`)
    writeStamp(stamp, wanted)
  })
}

try {
  const major = Number(process.versions.node.split('.')[0])
  if (major < NODE_TO_BEGIN)
    throw new Problem(
      `Node ${process.versions.node} is too old. Install Node ${NODE_TO_BEGIN} or newer from nodejs.org, then run the command again.`,
    )

  const stamp = join(modules, '.seaworthy-stamp')
  const current = () => `${hashOf(['package-lock.json'])} ${process.platform}-${process.arch}`
  const isNew = read(stamp) !== current()
  if (isNew)
    alone(() => {
      const wanted = current()
      if (read(stamp) === wanted) return
      if (!isInstalled()) {
        // First of all: a stamp must not outlast what an interrupted installation took away.
        rmSync(stamp, { force: true })
        install()
      }
      writeStamp(stamp, wanted)
    })

  // An npm script finds the Node that will run next on the same PATH as this one, which is therefore the one to judge; asking
  // another for its version would cost more than all the rest.
  buildConsole(!isNew && major >= NODE_TO_RUN ? process.execPath : nodeToRun())
} catch (error) {
  if (!(error instanceof Problem)) throw error
  console.error(`\n${error.message}\n`)
  process.exitCode = 1
}
