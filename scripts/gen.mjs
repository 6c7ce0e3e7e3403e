// `npm run gen`: writes src/gen from proto/. With --check it generates elsewhere and fails on a difference.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

const check = process.argv.includes('--check')
const out = check ? mkdtempSync(join(tmpdir(), 'quorate-gen-')) : 'src/gen'
const options = [
  'env=both',
  'forceLong=number',
  'useJsTypeOverride=true',
  'oneof=unions-value',
  'importSuffix=.js',
  'outputServices=generic-definitions',
  'outputJsonMethods=false',
  'outputPartialMethods=false',
  'useExactTypes=false',
  'enumsAsLiterals=true',
  'removeEnumPrefix=true',
  'unrecognizedEnum=false',
]
const template = {
  version: 'v2',
  clean: !check,
  plugins: [{ local: 'protoc-gen-ts_proto', out, opt: options }],
}
run('buf', ['lint', 'proto'])
run('buf', ['generate', 'proto', '--template', JSON.stringify(template)])
stripPluginHeaders(out)
if (check) {
  const wanted = read(out)
  const found = read('src/gen')
  const stale = [...new Set([...wanted.keys(), ...found.keys()])].filter(
    (file) => wanted.get(file) !== found.get(file),
  )
  rmSync(out, { recursive: true, force: true })
  for (const file of stale)
    console.error(`src/gen/${file} is not what proto/ generates: npm run gen`)
  process.exit(stale.length === 0 ? 0 : 1)
}

function run(command, args) {
  const result = spawnSync(command, args, { stdio: 'inherit' })
  if (result.status !== 0) process.exit(1)
}

/** Versions of tools in the header would make every upgrade touch every file. */
function stripPluginHeaders(folder) {
  for (const [file, text] of read(folder))
    writeFileSync(join(folder, file), text.replace(/^\/\/ versions:\n(?:\/\/ .*\n)+/m, ''))
}

function read(folder) {
  const files = new Map()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files.set(relative(folder, path), readFileSync(path, 'utf8'))
  }
  return files
}
