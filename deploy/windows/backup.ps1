# A copy of SiaghSync's database, taken while the service stands still for some seconds; 14 are kept.
# What happens meanwhile is found by the next poll. See deploy/BACKUP.md.
$ErrorActionPreference = 'Stop'
$folder = Join-Path $PSScriptRoot ('backup\' + (Get-Date -Format 'yyyy-MM-dd_HHmmss'))
New-Item -ItemType Directory -Force -Path $folder | Out-Null
Stop-Service siaghsync
try {
    # The -wal file is part of the database: what was written last is only there.
    Copy-Item (Join-Path $PSScriptRoot 'siaghsync.db*') $folder
}
finally {
    Start-Service siaghsync
}
Get-ChildItem (Join-Path $PSScriptRoot 'backup') -Directory | Sort-Object Name -Descending |
    Select-Object -Skip 14 | Remove-Item -Recurse -Force
