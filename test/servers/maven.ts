import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from './cache.ts'

/** A server on Java that Maven Central has. */
export interface MavenServer {
  /** Name and version, as in `kafka-4.3.0`. */
  readonly name: string
  /** `group:artifact:version` each; what they need comes with them. One with a classifier behind, as in `:exec`, has all in it, and comes alone. */
  readonly artifacts: readonly string[]
}

const INSTALL = 'Debian: apt-get install openjdk-17-jre-headless maven. macOS: brew install openjdk@17 maven.'

/**
 * Brings a server and all that it needs into a cache folder of the user, once, and answers its class path.
 * @throws Error when Java, or Maven for the first time, is not there: it says what to install
 */
export async function mavenClassPath({ name, artifacts }: MavenServer): Promise<string> {
  assertProgram('java', ['-version'], name)
  // Of its own for each set of artifacts: one that another version of this file installed lacks some.
  const digest = createHash('sha256').update(artifacts.join()).digest('hex').slice(0, 8)
  const folder = await cached(`${name}-${digest}`, async (building) => {
    assertProgram('mvn', ['--version'], name)
    writeFileSync(join(building, 'pom.xml'), pom(artifacts))
    const goal = ['dependency:copy-dependencies', '-DoutputDirectory=libs', '-DincludeScope=runtime']
    await promisify(execFile)('mvn', ['-q', '-B', ...goal], { cwd: building }).catch((error: { stdout?: string }) => {
      throw new Error(`Maven could not bring ${name}:\n${error.stdout}`, { cause: error })
    })
    return join(building, 'libs')
  })
  return join(folder, '*')
}

function assertProgram(program: string, flags: readonly string[], server: string): void {
  if (spawnSync(program, flags, { stdio: 'ignore' }).status !== 0) {
    throw new Error(
      `${server} needs ${program}, and it does not run here. ${INSTALL} Or name a server that runs already: scripts/servers.ts tells how.`,
    )
  }
}

function pom(artifacts: readonly string[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version, classifier] = artifact.split(':')
    const alone =
      classifier === undefined
        ? ''
        : `<classifier>${classifier}</classifier><exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>`
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>${alone}</dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>seaworthy</groupId><artifactId>server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>${dependencies.join('')}</dependencies>
</project>
`
}
