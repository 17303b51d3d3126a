/** Members that mirror.py writes as Python floats, at any depth of our outputs. */
const FLOAT = /^( +"(?:lastsync|timestamp|lastsuccesstime|lasterrortime|lastupdate)": -?\d+)(,?)$/gm;

/**
 * JSON as mirror.py's `json.dump(…, indent=4)` lays it out: its times are floats, so a whole number ends in `.0` and a
 * strictly typed reader finds the type it had. Strings hold no raw line ends in JSON, so a line is a member.
 */
export function pythonJson(value: object): string {
  return JSON.stringify(value, null, 4).replace(FLOAT, '$1.0$2');
}

/** Epoch seconds as mirror.py counts them; 0 for never. */
export function seconds(milliseconds: number | null): number {
  return (milliseconds ?? 0) / 1000;
}
