#!/usr/bin/env node
// In the repository with its mode: what the compiler writes is not executable, and npx makes it so only once a folder.
import '../dist/cli/main.js'
