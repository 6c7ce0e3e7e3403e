// The walls between folders: a floor imports only from floors below it (ARCHITECTURE.md).
// Reads the import statements of every file under src/ and prints each one that goes up or sideways.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** Floor of each folder; a file may import from its own folder and from strictly lower floors. */
const FLOORS = [
  ['base', 0],
  ['gen', 0],
  ['consensus/raft', 1.5],
  ['consensus/pbft', 1.5],
  ['consensus', 1],
  ['machine', 2],
  ['driver', 3],
  ['wal', 3],
  ['faults', 3],
  ['state-transfer', 3.2],
  ['client/core', 3],
  ['crypto/ports.ts', 3],
  ['crypto/fake.ts', 3.1],
  ['crypto/seals.ts', 3.1],
  ['crypto/request-macs.ts', 3.1],
  ['crypto/known-seals.ts', 3.2],
  ['crypto/sealed.ts', 3.2],
  ['crypto/keyring.ts', 3.3],
  ['version.ts', 0],
  ['byzantine', 3.4],
  ['protocols.ts', 3.5],
  ['check', 3.5],
  ['sim', 4],
  ['crypto', 5],
  ['rpc', 5],
  ['communicator', 6],
  ['client', 6],
  ['server', 7],
  ['node', 8],
  ['gateway', 8.5],
  ['cli', 9],
  ['index.ts', 10],
]
/** npm packages that pure floors may import. */
const PURE_PACKAGES = new Set(['sorted-btree', '@bufbuild/protobuf/wire'])
/** Packages that only one folder may import: the wall that lets the transport be exchanged. */
const OWNED = new Map([
  ['@grpc/grpc-js', 'rpc'],
  ['sorted-btree', 'machine'],
])

const root = resolve(import.meta.dirname, '../src')

function floorOf(path) {
  for (const [prefix, floor] of FLOORS) {
    if (path === prefix || path.startsWith(`${prefix}/`)) return { room: prefix, floor }
  }
  return null
}

const problems = []
let files = 0
for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
  const file = relative(root, join(entry.parentPath, entry.name))
  files++
  const from = floorOf(file)
  if (from === null) {
    problems.push(`src/${file}: belongs to no floor; add its folder to scripts/walls.mjs`)
    continue
  }
  const text = readFileSync(join(root, file), 'utf8')
  for (const match of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
    const target = match[1]
    if (target.startsWith('.')) {
      const path = relative(root, resolve(root, dirname(file), target)).replace(/\.js$/, '.ts')
      const to = floorOf(path)
      if (to === null) problems.push(`src/${file}: imports ${target}, which belongs to no floor`)
      else if (to.room !== from.room && to.floor >= from.floor)
        problems.push(`src/${file}: imports ${path} (floor ${to.floor}) from floor ${from.floor}`)
      continue
    }
    const owner = OWNED.get(target)
    if (owner !== undefined && owner !== from.room)
      problems.push(`src/${file}: only src/${owner} may import ${target}`)
    if (from.floor <= 4 && !(PURE_PACKAGES.has(target) || from.room === 'gen'))
      problems.push(`src/${file}: a pure floor may not import ${target}`)
  }
}
for (const line of problems) console.error(line)
console.log(`walls: ${files} files, ${problems.length} problems`)
process.exit(problems.length === 0 ? 0 : 1)
