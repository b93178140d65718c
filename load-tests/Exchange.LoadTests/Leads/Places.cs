namespace Exchange.LoadTests.Leads;

/// <summary>A place whose zip, state and telephone area belong together.</summary>
internal sealed record Place(string Zip, string State, string City, string AreaCode);

/// <summary>
/// Places of the United States, the populous states more often, so that a stream of leads is spread as people are. Each state and the
/// District of Columbia stands here at least once.
/// </summary>
internal static class Places
{
    public static IReadOnlyList<Place> All { get; } =
    [
        new("35203", "AL", "Birmingham", "205"), new("99501", "AK", "Anchorage", "907"), new("85004", "AZ", "Phoenix", "602"),
        new("85701", "AZ", "Tucson", "520"), new("72201", "AR", "Little Rock", "501"), new("90012", "CA", "Los Angeles", "213"),
        new("90210", "CA", "Beverly Hills", "310"), new("94103", "CA", "San Francisco", "415"), new("92101", "CA", "San Diego", "619"),
        new("95814", "CA", "Sacramento", "916"), new("95113", "CA", "San Jose", "408"), new("93721", "CA", "Fresno", "559"),
        new("80202", "CO", "Denver", "303"), new("06103", "CT", "Hartford", "860"), new("19801", "DE", "Wilmington", "302"),
        new("20001", "DC", "Washington", "202"), new("33130", "FL", "Miami", "305"), new("32801", "FL", "Orlando", "407"),
        new("33602", "FL", "Tampa", "813"), new("32202", "FL", "Jacksonville", "904"), new("30303", "GA", "Atlanta", "404"),
        new("31401", "GA", "Savannah", "912"), new("96813", "HI", "Honolulu", "808"), new("83702", "ID", "Boise", "208"),
        new("60601", "IL", "Chicago", "312"), new("61602", "IL", "Peoria", "309"), new("46204", "IN", "Indianapolis", "317"),
        new("50309", "IA", "Des Moines", "515"), new("67202", "KS", "Wichita", "316"), new("40202", "KY", "Louisville", "502"),
        new("70112", "LA", "New Orleans", "504"), new("04101", "ME", "Portland", "207"), new("21201", "MD", "Baltimore", "410"),
        new("02108", "MA", "Boston", "617"), new("48226", "MI", "Detroit", "313"), new("49503", "MI", "Grand Rapids", "616"),
        new("55401", "MN", "Minneapolis", "612"), new("39201", "MS", "Jackson", "601"), new("63101", "MO", "St. Louis", "314"),
        new("59101", "MT", "Billings", "406"), new("68102", "NE", "Omaha", "402"), new("89101", "NV", "Las Vegas", "702"),
        new("89501", "NV", "Reno", "775"), new("03101", "NH", "Manchester", "603"), new("07102", "NJ", "Newark", "973"),
        new("08608", "NJ", "Trenton", "609"), new("87102", "NM", "Albuquerque", "505"), new("10001", "NY", "New York", "212"),
        new("11201", "NY", "Brooklyn", "718"), new("14202", "NY", "Buffalo", "716"), new("28202", "NC", "Charlotte", "704"),
        new("27601", "NC", "Raleigh", "919"), new("58102", "ND", "Fargo", "701"), new("43215", "OH", "Columbus", "614"),
        new("44114", "OH", "Cleveland", "216"), new("73102", "OK", "Oklahoma City", "405"), new("97204", "OR", "Portland", "503"),
        new("19103", "PA", "Philadelphia", "215"), new("15222", "PA", "Pittsburgh", "412"), new("02903", "RI", "Providence", "401"),
        new("29401", "SC", "Charleston", "843"), new("57104", "SD", "Sioux Falls", "605"), new("37203", "TN", "Nashville", "615"),
        new("77002", "TX", "Houston", "713"), new("75201", "TX", "Dallas", "214"), new("78205", "TX", "San Antonio", "210"),
        new("78701", "TX", "Austin", "512"), new("79901", "TX", "El Paso", "915"), new("84101", "UT", "Salt Lake City", "801"),
        new("05401", "VT", "Burlington", "802"), new("23219", "VA", "Richmond", "804"), new("98101", "WA", "Seattle", "206"),
        new("99201", "WA", "Spokane", "509"), new("25301", "WV", "Charleston", "304"), new("53202", "WI", "Milwaukee", "414"),
        new("82001", "WY", "Cheyenne", "307"),
    ];
}
