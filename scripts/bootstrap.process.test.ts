import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const LOCK = {
  packages: {
    '': {},
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/b': { version: '2.0.0', optional: true },
  },
}

/** A clone with nothing but the bootstrap, a lock file and an npm that only notes that it was called. */
function emptyClone(t: TestContext, npm = '') {
  const root = mkdtempSync(join(tmpdir(), 'seaworthy clone '))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const at = (path: string) => join(root, path)
  const write = (path: string, text: string) => {
    mkdirSync(dirname(at(path)), { recursive: true })
    writeFileSync(at(path), text)
  }
  mkdirSync(at('scripts'))
  copyFileSync(fileURLToPath(new URL('bootstrap.mjs', import.meta.url)), at('scripts/bootstrap.mjs'))
  write('package-lock.json', JSON.stringify(LOCK))
  write('calls', '')
  write(
    'npm.cjs',
    `require('node:fs').appendFileSync(${JSON.stringify(at('calls'))}, process.argv.slice(2).join(' ') + ' ' + process.env.npm_config_engine_strict + '\\n')\n${npm}`,
  )
  const run = async (path = dirname(process.execPath)) => {
    const env = { ...process.env, PATH: path, npm_execpath: at('npm.cjs'), npm_node_execpath: process.execPath }
    const child = spawn(process.execPath, [at('scripts/bootstrap.mjs')], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    t.after(() => child.kill('SIGKILL'))
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number]
    return { code, output }
  }
  return { at, write, run, calls: () => readFileSync(at('calls'), 'utf8').trim().split('\n').filter(Boolean) }
}

test('a fresh clone is installed by the lock once, whatever the user has set, and again when the lock changes', async (t) => {
  const clone = emptyClone(t)
  assert.deepEqual(await clone.run(), { code: 0, output: 'Installing the locked packages (npm ci) …\n' })
  assert.deepEqual(clone.calls(), ['ci --include=dev --include=optional --no-audit --no-fund --loglevel=error false'])
  assert.deepEqual(await clone.run(), { code: 0, output: '' })
  assert.equal(clone.calls().length, 1)
  clone.write('package-lock.json', JSON.stringify({ ...LOCK, more: 1 }))
  await clone.run()
  assert.equal(clone.calls().length, 2)
})

test('two at once install once', async (t) => {
  const clone = emptyClone(t, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700)')
  const results = await Promise.all([clone.run(), clone.run(), clone.run()])
  assert.deepEqual(
    results.map(({ code }) => code),
    [0, 0, 0],
  )
  assert.equal(clone.calls().length, 1)
  assert.equal(existsSync(clone.at('.bootstrap-lock')), false)
})

test('the lock of a bootstrap that was killed stops nobody', async (t) => {
  const clone = emptyClone(t)
  clone.write('.bootstrap-lock', String(spawnSync(process.execPath, ['-e', '']).pid))
  assert.equal((await clone.run()).code, 0)
  assert.equal(clone.calls().length, 1)
})

test('what npm says is shown when it fails, and the next run tries again', async (t) => {
  const clone = emptyClone(t, "console.error('npm error: no network'); process.exit(7)")
  const { code, output } = await clone.run()
  assert.equal(code, 1)
  assert.match(output, /npm ci failed \(exit status 7\)\.\nnpm error: no network\n/)
  await clone.run()
  assert.equal(clone.calls().length, 2)
})

test('an installation made by hand is taken as it is; one that lacks something is not', async (t) => {
  const clone = emptyClone(t)
  const present = { 'node_modules/a': LOCK.packages['node_modules/a'] }
  clone.write(
    'node_modules/.package-lock.json',
    JSON.stringify({ packages: { 'node_modules/a': { ...present['node_modules/a'], version: '0.9.0' } } }),
  )
  await clone.run()
  assert.equal(clone.calls().length, 1)
  rmSync(clone.at('node_modules/.seaworthy-stamp'))
  clone.write('node_modules/.package-lock.json', JSON.stringify({ packages: present }))
  await clone.run()
  assert.equal(clone.calls().length, 1)
})

test('a Node that was installed but cannot run here is put aside, for it would hide the one on the PATH', async (t) => {
  const clone = emptyClone(t)
  clone.write('node_modules/.bin/node', 'for another machine')
  chmodSync(clone.at('node_modules/.bin/node'), 0o755)
  assert.equal((await clone.run()).code, 0)
  assert.equal(existsSync(clone.at('node_modules/.bin/node')), false)
})

test('where no Node runs the sources, it is said what to do', async (t) => {
  const clone = emptyClone(t)
  const { code, output } = await clone.run('/nowhere')
  assert.equal(code, 1)
  assert.match(output, /need Node 24 or newer, and npm installed none for .*; the PATH has none\.\n.*npm ci --include=optional/)
})
