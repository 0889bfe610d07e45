import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly bin?: Readonly<Record<string, string>>
}

function run(cwd: string, command: string, ...args: readonly string[]): string {
  // Without the flags of the test's own process: whoever installs a package knows no condition `source`.
  const { NODE_OPTIONS: _flags, ...env } = process.env
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 240_000 })
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? ''}\n${stdout}\n${stderr}`)
  return stdout
}

const runModule = (cwd: string, source: string) => run(cwd, process.execPath, '--input-type=module', '--eval', source)
const manifestIn = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

/** What can be imported for its names alone: no manifest, and no module that is a process. */
const importable = ({ name, exports }: Manifest) =>
  Object.keys(exports)
    .filter((subpath) => !['./package.json', './main', './lifeline'].includes(subpath))
    .map((subpath) => name + subpath.slice(1))

describe('what is published', () => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'seaworthy-published-'))
  let packages: readonly string[] = []

  before(() => {
    run(root, process.execPath, '--disable-warning=ExperimentalWarning', '--conditions=source', 'scripts/build.ts')
    packages = globSync('dist/{packages,apps}/*', { cwd: root }).map((path) => join(root, path))
    assert.ok(packages.length >= 8)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('has every file that its manifest names, types first, and nothing of the sources', () => {
    for (const each of packages) {
      const { name, exports, bin = {} } = manifestIn(each)
      const [packed] = JSON.parse(run(each, 'npm', 'pack', '--dry-run', '--json')) as [{ files: { path: string }[] }]
      const files = new Set(packed.files.map(({ path }) => `./${path}`))
      assert.ok(files.has('./LICENSE'), name)
      for (const command of Object.values(bin)) assert.ok(files.has(`./${command}`), `${name}: ${command}`)
      for (const [subpath, conditions] of Object.entries(exports)) {
        const targets = typeof conditions === 'string' ? [conditions] : Object.values(conditions)
        for (const target of targets) assert.ok(files.has(target), `${name}: ${subpath} is ${target}`)
        if (typeof conditions === 'string' || subpath === './main') continue
        assert.deepEqual(Object.keys(conditions), ['types', 'default'], `${name}: ${subpath}`)
      }
      assert.deepEqual(
        [...files].filter((file) => /(?<!\.d)\.tsx?$|\/(?:src|test)\//.test(file)),
        [],
      )
    }
  })

  test('installs as a library without the network, and every subpath of it works under plain Node', () => {
    const app = join(folder, 'app')
    mkdirSync(app)
    writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    const [packed] = JSON.parse(run(join(root, 'dist/packages/seaworthy'), 'npm', 'pack', '--json', `--pack-destination=${app}`)) as [
      { filename: string },
    ]
    run(app, 'npm', 'install', '--offline', '--no-audit', '--no-fund', join(app, packed.filename))
    assert.deepEqual(
      readdirSync(join(app, 'node_modules')).filter((name) => !name.startsWith('.')),
      ['seaworthy'],
    )
    const subpaths = importable(manifestIn(join(app, 'node_modules/seaworthy')))
    assert.ok(subpaths.length >= 9)
    const imports = subpaths.map((subpath) => `assert.ok(Object.keys(await import('${subpath}')).length > 0, '${subpath}')`)
    runModule(app, ["import assert from 'node:assert/strict'", ...imports].join('\n'))
    const answer = runModule(
      app,
      `import { policy } from 'seaworthy/resilience'
       import { openSqliteDatabase } from 'seaworthy/sqlite'
       const database = await openSqliteDatabase({ path: 'a.db' })
       await database.transaction((tx) => tx.execute({ sql: 'CREATE TABLE a (n INTEGER)' }))
       console.log(await policy({ timeout: { totalMs: 5_000 } }, { name: 'a' }).run(async () => 'works'))
       await database.close()`,
    )
    assert.equal(answer.trim(), 'works')

    // Its types, as a strict user without our settings sees them.
    writeFileSync(join(app, 'app.ts'), subpaths.map((subpath, index) => `export * as all${index} from '${subpath}'\n`).join(''))
    const strict = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024']
    const library = ['--lib', 'es2024,esnext.disposable', '--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
    run(app, join(root, 'node_modules/.bin/tsc'), ...strict, ...library, 'app.ts')
  })

  test('imports under plain Node in every package', () => {
    const modules = join(folder, 'node_modules')
    mkdirSync(join(modules, '@seaworthy'), { recursive: true })
    for (const name of readdirSync(join(root, 'node_modules'))) {
      if (!name.startsWith('.') && !/^@?seaworthy$/.test(name)) symlinkSync(join(root, 'node_modules', name), join(modules, name))
    }
    for (const each of packages) {
      const target = join(modules, manifestIn(each).name)
      cpSync(each, target, { recursive: true })
      // What npm could not put beside the dependencies of all.
      const own = join(root, relative(join(root, 'dist'), each), 'node_modules')
      if (existsSync(own)) symlinkSync(own, join(target, 'node_modules'))
    }
    const all = packages.flatMap((each) => importable(manifestIn(each)))
    const imports = all.map((name) => `assert.ok(Object.keys(await import('${name}')).length > 0, '${name}')`)
    runModule(folder, ["import assert from 'node:assert/strict'", ...imports].join('\n'))
    assert.match(run(folder, process.execPath, join(modules, 'seaworthy/bin/seaworthy.js'), 'help'), /restart/)
    assert.ok(existsSync(join(modules, '@seaworthy/supervisor/dist/lifeline.js')))
  })
})
