/** Where the packages of the default config lie. Setup makes it with the config; later it may be a disk's. */
export const DEFAULT_PLACE = '/srv/mirror';

/** The config that setup writes where there is none: valid as it stands, with one disabled package. */
export function defaultConfig(hostname: string, zone: string): string {
  return `{
  "_notes": [
    "JSON with comments and trailing commas; keys that start with _ are notes.",
    "Replace the example package, then: mirror validate, mirror plan, mirror apply."
  ],
  "mirrorname": ${JSON.stringify(hostname)},
  "hostname": ${JSON.stringify(hostname)},
  "settings": {
    "scheduler": "systemd", // or "crontab"
    "logfolder": "/var/log/mirror",
    "webroot": "/var/www/mirror",
    "statusfile": "/var/www/mirror/status.json",
    "statfile": "/var/lib/mirror/stat.json",
    "uid": "mirror",
    "gid": "mirror",
    "localtimezone": ${JSON.stringify(zone)},
    "logger": {
      "fileformat": { "base": "/var/log/mirror", "filename": "mirror.log" },
      "packagefileformat": {
        "base": "/var/log/mirror/packages",
        "folder": "{year}/{month}/{day}",
        "filename": "{hour}:{minute}:{second}.{microsecond}.{packageid}.log",
        "gzip": true
      }
    }
  },
  "packages": {
    "example": {
      "name": "Example", "id": "example", "href": "/example",
      "synctype": "rsync", "syncrate": "PT6H", "disabled": true, "link": [],
      "settings": {
        "hidden": false, "src": "rsync://upstream.example.org/example", "dst": "${DEFAULT_PLACE}/example", "options": {}
      }
    }
  }
}
`;
}
