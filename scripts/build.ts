import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Makes what is published: `npm run build` fills `dist/` with a folder for each public package, as `npm publish` takes it. In the checkout the manifests
 * name the TypeScript sources under the condition `source`; whoever installs a package may have a condition of that name, and gets none of ours.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)))

type Conditions = string | { readonly [condition: string]: Conditions }

interface Manifest {
  readonly private?: boolean
  readonly files?: readonly string[]
  readonly exports?: Readonly<Record<string, Conditions>>
  readonly sideEffects?: boolean | readonly string[]
  readonly devDependencies?: unknown
}

rmSync(join(root, 'dist'), { recursive: true, force: true })
// One program for all, checked against each other's sources like everything here, so that there is no order to keep.
compile()
for (const manifestFile of globSync('{packages,apps}/*/package.json', { cwd: root })) {
  const folder = dirname(manifestFile)
  const manifest = JSON.parse(readFileSync(join(root, manifestFile), 'utf8')) as Manifest
  if (manifest.private !== true && existsSync(join(root, 'dist', folder, 'src'))) assemble(folder, manifest)
}

function compile(): void {
  const { status } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) throw new Error('The packages were not compiled.')
}

function assemble(folder: string, manifest: Manifest): void {
  const target = join(root, 'dist', folder)
  renameSync(join(target, 'src'), join(target, 'dist'))
  // Commands, SQL and the console's pages are plain files already.
  for (const plain of [...(manifest.files ?? []).filter((name) => name !== 'dist'), 'dist/web']) {
    if (existsSync(join(root, folder, plain))) cpSync(join(root, folder, plain), join(target, plain), { recursive: true })
  }
  cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(published(manifest), null, 2)}\n`)
}

/** The manifest without what means something in the checkout alone. */
function published({ devDependencies: _devDependencies, ...manifest }: Manifest): Manifest {
  const { exports, sideEffects } = manifest
  return {
    ...manifest,
    ...(exports !== undefined && { exports: withoutSource(exports) as Readonly<Record<string, Conditions>> }),
    ...(Array.isArray(sideEffects) && { sideEffects: sideEffects.filter((file: string) => !file.startsWith('./src/')) }),
  }
}

function withoutSource(conditions: Conditions): Conditions {
  if (typeof conditions === 'string') return conditions
  const kept = Object.entries(conditions).filter(([condition]) => condition !== 'source')
  return Object.fromEntries(kept.map(([condition, target]) => [condition, withoutSource(target)]))
}
