import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installDebianPackages } from './debian.ts'
import { onFreePorts, startServer } from './server-process.ts'

const PROGRAM = '/usr/sbin/apache2'
const MODULES = '/usr/lib/apache2/modules'
const MISSING = 'Apache httpd and litmus are not installed here. Debian: apt-get install --no-install-recommends apache2-bin litmus.'

const isInstalled = () =>
  ['apache2 -v', 'litmus --version'].every((line) => spawnSync('/bin/sh', ['-c', `PATH=$PATH:/usr/sbin; ${line}`]).status === 0)

/** Installs Debian's Apache httpd, without starting its service, and litmus, which tests WebDAV servers. @throws Error that says what to install */
export function installApache(): void {
  if (!isInstalled()) installDebianPackages(['apache2-bin', 'litmus'], MISSING)
}

/** What Apaches share: documents with their properties, and the locks on them. */
export interface DavFolder {
  readonly path: string
  readonly documents: string
}

/** Apache does not serve as root: started by root, it becomes this user. */
const account = () => (process.getuid?.() === 0 ? Number(execFileSync('id', ['-u', 'www-data'], { encoding: 'utf8' })) : undefined)

/** An empty folder that an Apache may write to. It is the caller's to remove. */
export function davFolder(): DavFolder {
  const path = mkdtempSync(join(tmpdir(), 'seaworthy-dav-'))
  const documents = join(path, 'documents')
  const uid = account()
  chmodSync(path, 0o755)
  for (const folder of [documents, join(path, 'locks')]) {
    mkdirSync(folder)
    if (uid !== undefined) chownSync(folder, uid, -1)
  }
  return { path, documents }
}

/** An Apache httpd whose mod_dav serves the folder, on loopback. It ends with this process. */
export function startApacheDav(folder: DavFolder): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> {
  return onFreePorts(1, {
    start: async ([port]) => {
      const directory = mkdtempSync(join(tmpdir(), 'seaworthy-apache-'))
      const file = join(directory, 'httpd.conf')
      writeFileSync(file, configuration({ port: port!, directory, folder }))
      const server = await startServer({
        name: 'Apache httpd',
        command: [PROGRAM, '-DFOREGROUND', '-f', file],
        directory,
        isReady: (line) => line.includes('resuming normal operations'),
      })
      return { port: port!, stop: () => server.stop() }
    },
    isTaken: (message) => message.includes('could not bind to address'),
  })
}

const configuration = ({ port, directory, folder }: { readonly port: number; readonly directory: string; readonly folder: DavFolder }) => `
ServerRoot ${directory}
DefaultRuntimeDir ${directory}
PidFile ${directory}/httpd.pid
ErrorLog "|/bin/cat"
LogLevel notice
Listen 127.0.0.1:${port}
ServerName localhost
${['mpm_event', 'authz_core', 'mime', 'dav', 'dav_fs'].map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
TypesConfig /dev/null
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
KeepAlive On
DocumentRoot ${folder.documents}
DavLockDB ${folder.path}/locks/db
<Directory ${folder.documents}>
  Require all granted
  Dav On
</Directory>
`
