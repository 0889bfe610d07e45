// `npm run lock`: writes package-lock.json, complete for every platform. A registry mirror may lack packages of other platforms; npm
// then leaves them out of the lock without a word, and `npm ci` refuses that lock everywhere ("Missing … from lock file"). They are
// added as npm lists them, by name, version and platform, without the checksum that only their registry knows.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SYSTEMS = new Set(['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'])
const PROCESSORS = {
  aarch64: 'arm64',
  arm: 'arm',
  arm64: 'arm64',
  armv7: 'arm',
  ia32: 'ia32',
  loong64: 'loong64',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  x64: 'x64',
}
const C_LIBRARIES = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' }

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { status } = spawnSync('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

const file = join(root, 'package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8'))
const added = []
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (lock.packages[`${path}/node_modules/${name}`] !== undefined || lock.packages[`node_modules/${name}`] !== undefined) continue
    const words = name.split(/[-/]/)
    const os = words.find((word) => SYSTEMS.has(word))
    const cpu = words.map((word) => PROCESSORS[word]).find((processor) => processor !== undefined)
    const libc = os === 'linux' ? words.map((word) => C_LIBRARIES[word]).find((library) => library !== undefined) : undefined
    if (os === undefined || cpu === undefined) {
      console.error(`${name}, an optional dependency of ${path}, is not in the lock, and its name does not say for which platform it is.`)
      process.exit(1)
    }
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu: [cpu],
      ...(entry.dev && { dev: true }),
      ...(libc !== undefined && { libc: [libc] }),
      optional: true,
      os: [os],
    }
    added.push(name)
  }
}
const { '': top, ...rest } = lock.packages
lock.packages = { '': top, ...Object.fromEntries(Object.entries(rest).toSorted(([a], [b]) => a.localeCompare(b, 'en'))) }
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added.length} packages of other platforms were added to the lock.`)
