/**
 * Data: the names of colors and their values in sRGB. Mostly the CSS names, spaced out, sorted by the basic color that people
 * would call them; shop words fill the gaps CSS leaves.
 */

// oxfmt-ignore
export const NAMES = {
  red: {
    red: "FF0000", crimson: "DC143C", "fire brick": "B22222", "dark red": "8B0000", maroon: "800000", "indian red": "CD5C5C",
    brick: "A52A2A", scarlet: "E0301E", burgundy: "6D1A2D", wine: "4E1420", tomato: "F2503B", cherry: "C8102E",
  },
  orange: {
    orange: "FFA500", "dark orange": "FF8C00", "orange red": "FF4500", coral: "FF7F50", "light salmon": "FFA07A", pumpkin: "E5701E",
    "burnt orange": "CC5500", "sandy orange": "F4A460", apricot: "FBB46E", tangerine: "F28500", cinnamon: "D2691E",
  },
  yellow: {
    yellow: "FFFF00", gold: "FFD700", goldenrod: "DAA520", "dark goldenrod": "B8860B", khaki: "F0E68C", "lemon chiffon": "FFFACD",
    "light yellow": "FFFFE0", "pale goldenrod": "EEE8AA", amber: "FFBF00", mustard: "D4A91E", lemon: "FFF44F", "soft yellow": "F5D95B",
  },
  green: {
    green: "008000", lime: "00FF00", "lime green": "32CD32", "forest green": "228B22", "dark green": "006400", "sea green": "2E8B57",
    "medium sea green": "3CB371", "spring green": "00FF7F", "medium spring green": "00FA9A", "lawn green": "7CFC00",
    chartreuse: "7FFF00", "green yellow": "ADFF2F", "yellow green": "9ACD32", "olive drab": "6B8E23", olive: "808000",
    "dark olive green": "556B2F", "dark sea green": "8FBC8F", "light green": "90EE90", "pale green": "98FB98", mint: "BDE8CB",
    sage: "9CAF88", emerald: "1F9D6B", "pine green": "1C4A35", moss: "5C6B32", "bottle green": "0B3020", aquamarine: "7FFFD4",
    "medium aquamarine": "66CDAA",
  },
  blue: {
    blue: "0000FF", navy: "000080", "dark blue": "00008B", "medium blue": "0000CD", "royal blue": "4169E1", "dodger blue": "1E90FF",
    "deep sky blue": "00BFFF", "sky blue": "87CEEB", "light sky blue": "87CEFA", "light blue": "ADD8E6", "powder blue": "B0E0E6",
    "light steel blue": "B0C4DE", "steel blue": "4682B4", "cornflower blue": "6495ED", "cadet blue": "5F9EA0",
    "midnight blue": "191970", "slate blue": "5B67B8", aqua: "00FFFF", "light cyan": "E0FFFF", "pale turquoise": "AFEEEE",
    turquoise: "40E0D0", "medium turquoise": "48D1CC", "dark turquoise": "00CED1", "light sea green": "20B2AA", "dark cyan": "008B8B",
    teal: "008080", "deep navy": "14213D", "navy blue": "1F2F55", denim: "3B5B87", "dusty blue": "8FA6C0", petrol: "0F4C5C",
  },
  purple: {
    purple: "800080", indigo: "4B0082", "rebecca purple": "663399", "dark magenta": "8B008B", "dark violet": "9400D3",
    "blue violet": "8A2BE2", "dark orchid": "9932CC", "medium purple": "9370DB", "medium orchid": "BA55D3", orchid: "DA70D6",
    violet: "EE82EE", plum: "DDA0DD", thistle: "D8BFD8", lavender: "D9D2F0", "dark slate blue": "483D8B", lilac: "C8A2C8",
    aubergine: "3D1C3D", mauve: "91708F",
  },
  pink: {
    pink: "FFC0CB", "light pink": "FFB6C1", "hot pink": "FF69B4", "deep pink": "FF1493", magenta: "FF00FF", "pale violet red": "DB7093",
    "medium violet red": "C71585", salmon: "FA8072", "dark salmon": "E9967A", "light coral": "F08080", "misty rose": "FFE4E1",
    "lavender blush": "FFF0F5", "peach puff": "FFDAC8", "dusty pink": "C98A94", rose: "E8899A", blush: "F2C9CC",
  },
  brown: {
    brown: "7B4A2A", "saddle brown": "8B4513", sienna: "A0522D", peru: "BD7E42", copper: "A9673A", chestnut: "6E3320",
    "dark brown": "4A2C1A", espresso: "35221A", camel: "B58C5E", mahogany: "5A2418", walnut: "5F4B3A", taupe: "87786A",
    "rosy brown": "B08A80", cocoa: "7A5648", caramel: "A5702F", umber: "665238",
  },
  beige: {
    beige: "F5F5DC", wheat: "F5DEB3", tan: "D2B48C", bisque: "FFE4C4", "blanched almond": "FFEBCD", "antique white": "FAEBD7",
    linen: "F4E8DA", moccasin: "FFE4B5", "navajo white": "FFDEAD", burlywood: "DEB887", sand: "D9C7A8", cream: "F7EBCB",
    stone: "C7BBA7", ecru: "E3D8C2",
  },
  black: {
    black: "000000", "jet black": "161616", onyx: "222224", "warm black": "1E1814", "blue black": "10141E",
  },
  grey: {
    grey: "808080", "dim grey": "696969", "dark grey": "A9A9A9", silver: "C0C0C0", "light grey": "D0D0D0", gainsboro: "DADADA",
    "slate grey": "708090", "light slate grey": "8A97A5", "dark slate grey": "2F4448", charcoal: "383A3D", graphite: "4D4F52",
    "warm grey": "969089", "pale grey": "C9CDD3", "iron grey": "595A5E",
  },
  white: {
    white: "FFFFFF", snow: "FFFAFA", "ghost white": "F8F8FF", "white smoke": "F5F5F5", "floral white": "FFFAF0", ivory: "FFFFF0",
    "mint cream": "F5FFFA", azure: "F0FFFF", "alice blue": "F0F8FF", seashell: "FFF5EE", honeydew: "F0FFF0", pearl: "EBEBEB",
    porcelain: "E6E9ED", "off white": "EFECE5",
  },
} as const;

/** The vocabulary of labels. */
export type BasicColor = keyof typeof NAMES;
