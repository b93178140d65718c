namespace Exchange.Engine.Schedules;

/// <summary>When a campaign is open, in its own zone.</summary>
public sealed partial class Schedule;
