using Exchange.Engine.Filters;

namespace Exchange.Engine.Tests.Pricing;

internal static class TestSubject
{
    public static Subject Of(string publisher = "p", Sharing sharing = Sharing.Exclusive) =>
        new() { Vertical = "v", Publisher = publisher, Values = [], Now = DateTimeOffset.UnixEpoch, Sharing = sharing };
}
